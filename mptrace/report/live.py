"""A finding explained on stderr while the job runs: everything of it, and where to find more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.report.explanation import explanation
from mptrace.report.pointers import more_lines

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding
    from mptrace.model.run import Run
    from mptrace.report.page import Page


def explain(run: Run, finding: Finding, page: Page) -> str:
    """Return the text of one finding; the times of a hang are relative to the moment it was seen at."""
    return page.print([*explanation(run, finding, page, live=True), Text(), *more_lines(run, finding, page)])
