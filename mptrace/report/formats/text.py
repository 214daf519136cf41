"""The report for a terminal: the run in one line, what was found, the process tree, then each finding."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.diagnose.finding import Finding, Severity
from mptrace.diagnose.wording import counted
from mptrace.report import times
from mptrace.report.clock import clock_for, end_of
from mptrace.report.explanation import culprits, explanation, separated
from mptrace.report.gaps import gap_sentences
from mptrace.report.page import STRONG, Page, paint
from mptrace.report.pointers import more_lines
from mptrace.report.tree import branches_of, tree_lines

if TYPE_CHECKING:
    from mptrace.diagnose.engine import Diagnosis
    from mptrace.model.moment import Moment
    from mptrace.model.run import Run

_MOST_TOLD = 5
"""Findings that are told in full; the others are only in the table."""


def render(run: Run, diagnosis: Diagnosis, page: Page) -> str:
    """Return the whole report."""
    findings = [finding for finding in diagnosis.findings if finding is not diagnosis.about_losses]
    blocks = [
        header(run, page),
        [line for says in gap_sentences(run, diagnosis, page) for line in page.wrapped(says, first="  ", rest="  ")],
        _table(findings, page) if findings else page.wrapped(nothing_found(run), first="  ", rest="  "),
        _tree(run, findings, page),
        *(explanation(run, finding, page) for finding in _told(findings, page)),
        more_lines(run, findings[0], page) if findings and not page.verbose else [],
    ]
    return page.print(separated(blocks))


def _told(findings: list[Finding], page: Page) -> list[Finding]:
    """Return the findings that are told in full: hints only where there is nothing worse."""
    loud = [finding for finding in findings if finding.severity is not Severity.HINT]
    return findings if page.verbose else (loud or findings)[:_MOST_TOLD]


def header(run: Run, page: Page) -> list[Text]:
    """Return ``train.py   spawn, Python 3.11.7, 7 processes, ended by Ctrl-C after 41.2 s, exit 130``."""
    meta = run.meta
    name = page.text(os.path.basename(meta.script or (meta.command or ("a job",))[0]))
    status = f"exit {meta.status}" if meta.status is not None else ""
    parts = [meta.start_method, _python(meta.python), counted(len(run.processes), "process", "processes"), _ending(run), status]
    lines = page.listed([part for part in parts if part], first=f"{name.plain}   ", rest="    ")
    lines[0].stylize(STRONG, 0, len(name))
    return lines


def nothing_found(run: Run) -> str:
    """Return the sentence of a report without findings."""
    failed = [process for process in run.processes if process.exit and process.exit.known and not process.exit.clean]
    if not failed:
        return "Nothing wrong was found."
    verb = "was" if len(failed) == 1 else "were"
    return f"Nothing wrong was found, though {counted(len(failed), 'process', 'processes')} {verb} not ended with status 0."


def _python(says: str) -> str:
    found = re.search(r"\d+\.\d+(\.\w+)?", says)
    return f"Python {found.group()}" if found else ""


def _ending(run: Run) -> str:
    meta = run.meta
    took = times.duration(end_of(run) - meta.start_ns)
    if meta.end_ns is None:
        return f"recording stops after {took}"
    return f"ended by {meta.ended_by} after {took}" if meta.ended_by else f"ended after {took}"


def _table(findings: list[Finding], page: Page) -> list[Text]:
    """Return each finding's severity, verdict, rule and title: on one line if that fits."""
    severity = max(len(finding.severity.value) for finding in findings)
    verdict = max(len(_verdict(finding)) for finding in findings)
    rule = max(len(finding.rule) for finding in findings)
    lines: list[Text] = []
    for finding in findings:
        head = f"  {finding.severity.value:<{severity}}  {_verdict(finding):<{verdict}}  {finding.rule:<{rule}}"
        told = page.wrapped(finding.title, first=f"{head}  ", rest="    ")
        if len(told) > 1:
            told = [Text(head), *page.wrapped(finding.title, first="    ", rest="    ")]
        told[0].stylize(STRONG, 2, len(head))
        lines += [paint(line, culprits(finding)) for line in told]
    return lines


def _verdict(finding: Finding) -> str:
    return "" if finding.severity is Severity.HINT else finding.verdict.value


def _tree(run: Run, findings: list[Finding], page: Page) -> list[Text]:
    root = findings[0] if findings else None
    moment = moment_of(run, root)
    clock = clock_for(run, moment.number if moment else None)
    names = culprits(root) if root else []
    lines = tree_lines(branches_of(run, moment, apart=names, whole=page.verbose), page, clock, blame=names)
    if moment is None or moment.final or run.meta.end_ns is None or not lines:
        return lines
    return [page.text(f"  At {page.clock(clock.wall_ns(moment.at_ns))}, {_ago(run, moment)}:"), *lines]


def _ago(run: Run, moment: Moment) -> str:
    return f"{times.duration(end_of(run) - moment.at_ns)} before the end"


def moment_of(run: Run, finding: Finding | None) -> Moment | None:
    """Return the moment that the tree shows: that of the first finding, else the last."""
    if finding is not None and finding.moment is not None:
        return next((moment for moment in run.moments if moment.number == finding.moment), None)
    return run.moments[-1] if run.moments else None
