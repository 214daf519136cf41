"""``mptrace run [OPTIONS] -- COMMAND ARGS``."""

from __future__ import annotations

from typing import Any

import click

from mptrace.cli.options import run_options, settings
from mptrace.cli.traced_run import run_traced
from mptrace.launch.job import command_job


@click.command(context_settings={"allow_interspersed_args": False})
@run_options
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGS]...")
@click.pass_context
def command(context: click.Context, /, words: tuple[str, ...], **_: Any) -> int:
    """Run any command: pytest, gunicorn, torchrun, a shell script.

    Every Python process that it starts is traced.
    """
    assert context.parent is not None
    return run_traced(command_job(words), settings(context.parent, context))
