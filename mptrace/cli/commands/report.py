"""``mptrace report [RUN]``: what a recorded run says, later or elsewhere."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from mptrace.cli.judge import judge
from mptrace.cli.runs import find_run
from mptrace.errors import BadUse
from mptrace.launch.meta import write_atomically


@click.command()
@click.argument("run", required=False, default="")
@click.option("--format", "name", default="text", show_default=True, metavar="FORMAT", help="text, json, ...")
@click.option("-o", "--output", default="", metavar="FILE", help="Write to this file.")
@click.option("-v", "--verbose", is_flag=True, help="Everything that is known, also what is not worth a line.")
def command(run: str, name: str, output: str, verbose: bool) -> int:
    """Report on a recorded run (default: the newest of this directory).

    RUN is a run directory, or the beginning of the name of one in .mptrace.
    """
    from mptrace.report.format import render
    from mptrace.report.page import Page, page_for

    judged = judge(find_run(run))
    page = Page(cwd=judged.run.meta.cwd, verbose=verbose) if output else page_for(sys.stdout, verbose=verbose)
    text = render(name, judged.run, judged.diagnosis, replace(page, cwd=page.cwd or judged.run.meta.cwd))
    if output:
        _write(output, text)
    else:
        _print(text)
    return 0


def _write(path: str, text: str) -> None:
    try:
        write_atomically(os.path.abspath(path), text.encode("utf-8", "backslashreplace"))
    except OSError as trouble:
        raise BadUse(f"-o {path}: {trouble.strerror}") from None


def _print(text: str) -> None:
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # `mptrace report | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
