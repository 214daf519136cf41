"""Run a Python program under the tracer; the command behind ``mptrace script.py``."""

from __future__ import annotations

import click

from mptrace.cli.options import settings
from mptrace.cli.traced_run import run_traced
from mptrace.errors import BadUse
from mptrace.launch.job import Job, code_job, module_job, script_job


@click.command(context_settings={"allow_interspersed_args": False}, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(context: click.Context, words: tuple[str, ...]) -> int:
    """Run script.py, -m MODULE or -c CODE with its arguments."""
    assert context.parent is not None
    return run_traced(_job(list(words)), settings(context.parent))


def _job(words: list[str]) -> Job:
    first, rest = words[0], words[1:]
    flag, joined = first[:2], first[2:]
    if flag not in ("-m", "-c"):
        return script_job(first, rest)
    if not joined and not rest:
        raise BadUse(f"{flag} needs a value", "mptrace -m MODULE ARGS, or mptrace -c CODE ARGS")
    value, args = (joined, rest) if joined else (rest[0], rest[1:])
    return module_job(value, args) if flag == "-m" else code_job(value, args)
