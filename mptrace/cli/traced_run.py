"""A run from the command line's side: start it, judge it at its end, print what is worth it, and return the exit status."""

from __future__ import annotations

import contextlib
import os
import sys

from mptrace.cli.judge import Judged, identity, judge, judge_moment, look_inside, prepare
from mptrace.errors import BadUse
from mptrace.launch.job import Job
from mptrace.launch.judging import Judge
from mptrace.launch.launcher import Outcome, run_job
from mptrace.launch.meta import write_atomically
from mptrace.launch.notice import say
from mptrace.launch.own_log import open_log
from mptrace.launch.settings import Settings
from mptrace.wire.rundir import REPORT

ERROR, WARNING = "error", "warning"
MENTIONED = 8
"""Most findings that are named at the end of a run."""


def run_traced(job: Job, settings: Settings) -> int:
    """Run a job under the tracer and return the status that mptrace exits with."""
    _check_json(settings.json)
    outcome = run_job(job, settings, Judge(judge_moment, prepare, look_inside))
    try:
        return _conclude(outcome, settings)
    except KeyboardInterrupt:  # whoever presses it again does not want the report
        return outcome.status


def _check_json(path: str) -> None:
    """Refuse now what would be lost after hours."""
    folder = os.path.dirname(os.path.abspath(path))
    if path and (not os.access(folder, os.W_OK) or os.path.isdir(path)):
        raise BadUse(f"--json {path}: cannot be written", "name a file in a directory that exists")


def _conclude(outcome: Outcome, settings: Settings) -> int:
    if not outcome.run_path:
        return outcome.status
    try:
        judged = judge(outcome.run_path, keep=True)
        _write_json(judged, outcome, settings)
        if not settings.quiet:
            _print(judged, outcome)
        return _strict_status(judged, outcome.status) if settings.strict else outcome.status
    except Exception as trouble:
        open_log(outcome.run_path).error("report", exc_info=True)
        if not settings.quiet:
            say(
                f"mptrace: no report ({type(trouble).__name__}, a fault of mptrace's own); the recording is in {outcome.run_path}"
            )
        return outcome.status


def _write_json(judged: Judged, outcome: Outcome, settings: Settings) -> None:
    from mptrace.report.format import render

    data = render("json", judged.run, judged.diagnosis).encode("utf-8", "backslashreplace")
    with contextlib.suppress(OSError):
        write_atomically(os.path.join(outcome.run_path, REPORT), data)
    if not settings.json:
        return
    try:
        write_atomically(os.path.abspath(settings.json), data)
    except OSError as trouble:
        say(f"mptrace: --json {settings.json}: {trouble.strerror}; the report is {os.path.join(outcome.run_path, REPORT)}")


def _print(judged: Judged, outcome: Outcome) -> None:
    """Explain what was not explained while the job ran; nothing at all if there is nothing worse than a hint."""
    from mptrace.report.live import conclude
    from mptrace.report.page import page_for

    if outcome.told and outcome.killed:  # what came of ending it is no news
        return
    loud = [finding for finding in judged.diagnosis.findings if finding.severity.value in (ERROR, WARNING)]
    fresh = [finding for finding in loud if identity(finding) not in outcome.told]
    if fresh:
        page = page_for(sys.stderr)
        more = f"mptrace: and {len(fresh) - MENTIONED} more, in the report\n" if len(fresh) > MENTIONED else ""
        say(conclude(judged.run, fresh[:MENTIONED], page) + more)


def _strict_status(judged: Judged, status: int) -> int:
    errors = any(finding.severity.value == ERROR for finding in judged.diagnosis.findings)
    return 1 if errors and status == 0 else status
