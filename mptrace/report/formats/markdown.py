"""The report for an issue or a chat that renders Markdown: prose as prose, pictures and trees in fences."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from mptrace.report.clock import clock_for
from mptrace.report.gaps import gap_sentences
from mptrace.report.hints import HEADING
from mptrace.report.overview import header, nothing_found, tree_block
from mptrace.report.plain import clean
from mptrace.report.story import picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from mptrace.diagnose.engine import Diagnosis
    from mptrace.diagnose.finding import Finding
    from mptrace.model.run import Run
    from mptrace.report.page import Page

_SPECIAL = re.compile(r"([\\`*_<>\[\]#|~])")


def render(run: Run, diagnosis: Diagnosis, page: Page) -> str:
    """Return the whole report; the page's colours do not matter."""
    page = replace(page, colour=False)
    return "\n\n".join(_paragraphs(run, diagnosis, page)) + "\n"


def _paragraphs(run: Run, diagnosis: Diagnosis, page: Page) -> Iterator[str]:
    yield "\n".join(line.plain.strip() for line in header(run, page))
    yield from (escaped(says) for says in gap_sentences(run, diagnosis, page))
    findings = [finding for finding in diagnosis.findings if finding is not diagnosis.about_losses]
    loud, hints = [each for each in findings if not each.is_hint], [each for each in findings if each.is_hint]
    if not loud:
        yield nothing_found(run)
    for finding in loud:
        yield from _finding(run, finding, page)
    yield from _fenced(tree_block(run, loud, page))
    if hints:
        yield f"## {HEADING}"
    for finding in hints:
        yield from _finding(run, finding, page)


def _finding(run: Run, finding: Finding, page: Page) -> Iterator[str]:
    yield f"### {finding.rule} ({finding.verdict.value}): {escaped(finding.title)}"
    yield from _fenced(picture(finding.steps, page, clock_for(run, finding.moment)))
    if finding.why:
        yield escaped(finding.why, keep_lines=True)
    if finding.children:
        yield "\n".join(f"- It explains {child.rule}: {escaped(child.title)}" for child in finding.children)
    if finding.fix:
        place = f" `{page.place(finding.fix_at)}`" if finding.fix_at else ""
        yield f"**Fix** {escaped(finding.fix)}{place}"
    if finding.details:
        fence = "\n".join(clean(line) for detail in finding.details for line in detail.splitlines())
        yield f"<details><summary>Details</summary>\n\n```text\n{_unfenced(fence)}\n```\n\n</details>"


def escaped(says: str, *, keep_lines: bool = False) -> str:
    """Return text of the program that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", clean(says, keep_lines=keep_lines))


def _fenced(lines: list[Text]) -> Iterator[str]:
    if lines:
        text = "\n".join(line.plain.rstrip() for line in lines)
        yield f"```text\n{_unfenced(text)}\n```"


def _unfenced(text: str) -> str:
    """No line of the program may close the fence."""
    return text.replace("```", "'''")
