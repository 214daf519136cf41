"""The report for a terminal: the run in one line, what was found, the process tree, each finding, and hints at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.diagnose.finding import Finding, Severity
from mptrace.report.explanation import culprits, explanation, separated
from mptrace.report.gaps import gap_sentences
from mptrace.report.hints import hint_blocks
from mptrace.report.overview import header, nothing_found, tree_block
from mptrace.report.page import STRONG, Page, paint
from mptrace.report.pointers import more_lines
from mptrace.report.told_inside import told_inside

if TYPE_CHECKING:
    from mptrace.diagnose.engine import Diagnosis
    from mptrace.model.run import Run

_MOST_TOLD = 5
"""Findings that are told in full; the others are only in the table."""


def render(run: Run, diagnosis: Diagnosis, page: Page) -> str:
    """Return the whole report; hints come after everything else, under a heading of their own."""
    findings = [finding for finding in diagnosis.findings if finding is not diagnosis.about_losses]
    loud, hints = [each for each in findings if not each.is_hint], [each for each in findings if each.is_hint]
    blocks = [
        header(run, page),
        [line for says in gap_sentences(run, diagnosis, page) for line in page.wrapped(says, first="  ", rest="  ")],
        _table(loud, page) if loud else page.wrapped(nothing_found(run), first="  ", rest="  "),
        tree_block(run, loud, page),
        *(explanation(run, finding, page) for finding in (loud if page.verbose else loud[:_MOST_TOLD])),
        told_inside(run, page),
        more_lines(run, loud[0], page) if loud and not page.verbose else [],
        *hint_blocks(run, hints, page, in_full=page.verbose or not loud),
        more_lines(run, hints[0], page) if hints and not loud and not page.verbose else [],
    ]
    return page.print(separated(blocks))


def _table(findings: list[Finding], page: Page) -> list[Text]:
    """Return each finding's severity, verdict, rule and title: on one line if that fits."""
    severity = max(len(finding.severity.value) for finding in findings)
    verdict = max(len(_verdict(finding)) for finding in findings)
    rule = max(len(finding.rule) for finding in findings)
    lines: list[Text] = []
    for finding in findings:
        head = page.text(f"  {finding.severity.value:<{severity}}  {_verdict(finding):<{verdict}}  {finding.rule:<{rule}}").plain
        told = page.wrapped(finding.title, first=f"{head}  ", rest="    ")
        if len(told) > 1:
            told = [Text(head), *page.wrapped(finding.title, first="    ", rest="    ")]
        told[0].stylize(STRONG, 2, len(head))
        lines += [paint(line, culprits(finding)) for line in told]
    return lines


def _verdict(finding: Finding) -> str:
    return "" if finding.severity is Severity.HINT else finding.verdict.value
