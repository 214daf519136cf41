"""Where to find more: the commands that say what a rule means and what else was recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.report.page import STRONG, Page

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding
    from mptrace.model.run import Run


def more_lines(run: Run, finding: Finding, page: Page) -> list[Text]:
    """Return the two commands, on one line if they fit."""
    path = run.meta.path
    if page.cwd and path.startswith(page.cwd.rstrip("/") + "/"):
        path = os.path.relpath(path, page.cwd)
    says = page.text(f"  More mptrace explain {finding.rule}")
    report = page.text(f"mptrace report -v {path}".rstrip())
    room = page.width - says.cell_len - report.cell_len
    lines = [says + Text(" " * min(room, 8)) + report] if room >= 2 else [says, Text(" " * 7) + report]
    lines[0].stylize(STRONG, 2, 6)
    return lines
