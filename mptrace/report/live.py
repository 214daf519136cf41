"""Findings explained on stderr, among the output of the job: one while it runs, or what is left to tell at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.report.explanation import LEAD, explanation, headline, separated
from mptrace.report.pointers import more_lines

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding
    from mptrace.model.run import Run
    from mptrace.report.page import Page


def explain(run: Run, finding: Finding, page: Page) -> str:
    """Return the text of one finding; the times of a hang are relative to the moment it was seen at."""
    return page.print([*explanation(run, finding, page, live=True, lead=LEAD), Text(), *more_lines(run, finding, page)])


def conclude(run: Run, findings: Sequence[Finding], page: Page, *, in_full: int = 3) -> str:
    """Return what was found, for the end of a run: the first causes in full, of the others their first lines. "" for nothing."""
    if not findings:
        return ""
    told = [explanation(run, finding, page, lead=LEAD) for finding in findings[:in_full]]
    named = [line for finding in findings[in_full:] for line in headline(finding, page, LEAD)]
    return page.print(separated([*told, named, more_lines(run, findings[0], page)]))
