"""``mptrace attach PID``: the cause of a hang in a job that was not started under mptrace."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace

import click

from mptrace.attach.attach import Attached, attach
from mptrace.cli.judge import Judged, identity, judge
from mptrace.errors import BadUse
from mptrace.launch.meta import write_atomically
from mptrace.wire.rundir import REPORT


@click.command()
@click.argument("pid", type=int)
@click.option("--output", default="", metavar="DIR", envvar="MPTRACE_OUTPUT", help="Write what was seen to this directory.")
@click.option("--format", "name", default="text", show_default=True, metavar="FORMAT", help="text, json, ...")
@click.option("--json", "json_file", default="", metavar="FILE", help="Write the report as JSON too.")
@click.option("--watch", type=float, default=0.0, metavar="SECONDS", help="Look again this often, until the picture changes.")
@click.option("--inside", is_flag=True, help="Also have the job's processes tell of themselves (3.14 and later; see below).")
@click.option("--inside-wait", type=float, default=2.0, show_default=True, metavar="SECONDS", help="How long, with --inside.")
@click.option("-v", "--verbose", is_flag=True, help="Everything that is known, also what is not worth a line.")
def command(
    pid: int, output: str, name: str, json_file: str, watch: float, inside: bool, inside_wait: float, verbose: bool
) -> int:
    """Explain a hanging job that was not started under mptrace.

    PID is any process of the job. It is only read: nothing is stopped, signalled or changed. What was seen is kept in a run
    directory, which `mptrace report` reads later.

    --inside runs a short script in each process, by sys.remote_exec: only a main thread that runs Python code gets to it, because
    it works, or wakes up by itself (timers, polling). One that blocks for good does not answer; its cause is read from outside.
    """
    if watch < 0:
        raise BadUse(f"--watch {watch}: is no number of seconds above 0")
    if not 0 < inside_wait <= 60:
        raise BadUse(f"--inside-wait {inside_wait}: is no number of seconds above 0 and up to 60")
    attached, judged = _look(pid, output, name, json_file, inside_s=inside_wait if inside else 0.0, verbose=verbose)
    while watch and _picture(judged):
        time.sleep(watch)
        again = _again(pid)
        if again is None or _picture(again[1]) != _picture(judged):
            return _changed(again, attached, name, verbose=verbose)
    return 0


def _look(pid: int, output: str, name: str, json_file: str, *, inside_s: float, verbose: bool) -> tuple[Attached, Judged]:
    attached = attach(pid, output, inside_s=inside_s)
    judged = judge(attached.path, keep=True)
    _write_json(judged, attached, json_file)
    _print(judged, attached, name, verbose=verbose)
    return attached, judged


def _write_json(judged: Judged, attached: Attached, json_file: str) -> None:
    from mptrace.report.format import render

    data = render("json", judged.run, judged.diagnosis).encode("utf-8", "backslashreplace")
    for path in (os.path.join(attached.path, REPORT), json_file):
        if path:
            try:
                write_atomically(os.path.abspath(path), data)
            except OSError as trouble:
                raise BadUse(f"{path}: {trouble.strerror}") from None


def _print(judged: Judged, attached: Attached, name: str, *, verbose: bool) -> None:
    from mptrace.report.format import render
    from mptrace.report.page import page_for

    page = page_for(sys.stdout, verbose=verbose)
    text = render(name, judged.run, judged.diagnosis, replace(page, cwd=page.cwd or judged.run.meta.cwd))
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        if name == "text":
            sys.stdout.write(_footer(attached))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _footer(attached: Attached) -> str:
    pause = f"{attached.pause_ns / 1e6:.0f} ms at most" if attached.pause_ns else "for no time"
    took = f"{attached.took_ns / 1e9:.1f} s"
    return f"\n  Read from outside in {took}; the job's processes were stopped {pause}.  {os.path.relpath(attached.path)}\n"


def _picture(judged: Judged) -> list[tuple[object, ...]]:
    """Return what is wrong, to tell whether that has changed; nothing: the job is not hung."""
    return sorted((identity(finding) for finding in judged.diagnosis.findings if finding.severity.value == "error"), key=repr)


def _again(pid: int) -> tuple[Attached, Judged] | None:
    """Look once more; None if the process is gone."""
    from mptrace.attach.refusals import NothingToAttach

    try:
        attached = attach(pid)
    except NothingToAttach:
        return None
    return attached, judge(attached.path, keep=True)


def _changed(again: tuple[Attached, Judged] | None, before: Attached, name: str, *, verbose: bool) -> int:
    if again is None:
        print(f"mptrace: the process has ended; what was seen is in {os.path.relpath(before.path)}")
        return 0
    _print(again[1], again[0], name, verbose=verbose)
    return 0
