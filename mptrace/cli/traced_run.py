"""A run from the command line's side: start it, judge it at its end, print what is worth it, and return the exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from mptrace.cli.judge import Judged, judge, judge_moment
from mptrace.errors import BadUse
from mptrace.launch.job import Job
from mptrace.launch.launcher import Outcome, run_job
from mptrace.launch.meta import write_atomically
from mptrace.launch.notice import say
from mptrace.launch.own_log import open_log
from mptrace.launch.settings import Settings
from mptrace.wire.rundir import REPORT

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding

ERROR, WARNING = "error", "warning"
TOLD_IN_FULL = 3
"""Causes that are explained when the job has ended; further ones are named."""


def run_traced(job: Job, settings: Settings) -> int:
    """Run a job under the tracer and return the status that mptrace exits with."""
    _check_json(settings.json)
    outcome = run_job(job, settings, judge_moment)
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
    loud = [finding for finding in judged.diagnosis.findings if finding.severity.value in (ERROR, WARNING)]
    fresh = [finding for finding in loud if not _was_told(finding, outcome)]
    if fresh:
        say(_explanations(judged, fresh))


def _was_told(finding: Finding, outcome: Outcome) -> bool:
    from mptrace.cli.judge import identity

    return identity(finding) in outcome.told


def _explanations(judged: Judged, findings: list[Finding]) -> str:
    from mptrace.report.explanation import explanation, separated
    from mptrace.report.page import page_for
    from mptrace.report.pointers import more_lines

    page = page_for(sys.stderr)
    blocks = [explanation(judged.run, finding, page) for finding in findings[:TOLD_IN_FULL]]
    rest = [page.text(f"mptrace: {each.rule} ({each.verdict.value}): {each.title}") for each in findings[TOLD_IN_FULL:]]
    return page.print(separated([*blocks, rest, more_lines(judged.run, findings[0], page)]))


def _strict_status(judged: Judged, status: int) -> int:
    errors = any(finding.severity.value == ERROR for finding in judged.diagnosis.findings)
    return 1 if errors and status == 0 else status
