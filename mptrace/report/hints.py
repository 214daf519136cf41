"""Hints under one heading behind everything else, so that they never hide an error: in a line or two each, or in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.diagnose.wording import counted
from mptrace.report.explanation import explanation, fix_lines, headline
from mptrace.report.page import STRONG, Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mptrace.diagnose.finding import Finding
    from mptrace.model.run import Run

HEADING = "Hints"
_MOST_TOLD = 5


def hint_blocks(run: Run, hints: Sequence[Finding], page: Page, *, in_full: bool) -> list[list[Text]]:
    """Return the heading and a block for each hint; ``in_full``: with all that is known, where nothing else is to be read."""
    if not hints:
        return []
    told = hints if page.verbose else hints[:_MOST_TOLD]
    blocks = [explanation(run, hint, page) if in_full else [*headline(hint, page), *fix_lines(hint, page)] for hint in told]
    rest = len(hints) - len(told)
    return [[Text(HEADING, STRONG)], *blocks, *([[Text(f"... and {counted(rest, 'other hint')} (-v)")]] if rest else [])]
