"""One finding, told: what happened, who waits for whom, why it stays so, what follows from it, what to change.

At most `MOST_LINES` lines: where there is more to tell, the middle of the picture goes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.diagnose.wording import counted
from mptrace.report.alike import like_steps
from mptrace.report.clock import Clock, clock_for
from mptrace.report.internals import internals
from mptrace.report.names import process_name
from mptrace.report.page import STRONG, Page, paint
from mptrace.report.plain import shorten
from mptrace.report.story import picture

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding
    from mptrace.model.resource import Resource
    from mptrace.model.run import Run
    from mptrace.model.site import Site

MOST_LINES = 25


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of each part is told."""

    steps: int
    resources: int
    why: int
    also: int


_CUTS = (Cut(12, 4, 9, 6), Cut(8, 3, 6, 3), Cut(6, 2, 4, 2), Cut(4, 1, 3, 1), Cut(3, 0, 3, 1))
_WHOLE = Cut(10_000, 1000, 1000, 1000)


LEAD = "mptrace: "
"""Begins what is told among the output of the job."""


def explanation(run: Run, finding: Finding, page: Page, *, live: bool = False, lead: str = "") -> list[Text]:
    """Return a finding as lines; ``live``: it is told while the job runs, so times of a hang are before now."""
    clock = clock_for(run, finding.moment, live=live and finding.moment is not None)
    head = headline(finding, page, lead)
    if page.verbose:
        return separated([head, *_body(run, finding, page, clock, _WHOLE)]) + internals(run, finding, page)
    for cut in _CUTS:
        lines = separated([head, *_body(run, finding, page, clock, cut)])
        if len(lines) <= MOST_LINES:
            return lines
    return [*lines[: MOST_LINES - 1], Text("  ... more with -v")]


def culprits(finding: Finding) -> list[str]:
    """Return the names to colour: of the finding's processes those that its title names, else the first; longest first."""
    names = [process_name(process) for process in finding.processes]
    return sorted({name for name in names if name in finding.title} or names[:1], key=len, reverse=True)


def headline(finding: Finding, page: Page, lead: str = "") -> list[Text]:
    """Return ``rule (verdict): title`` in lines."""
    lead = f"{lead}{finding.rule} ({finding.verdict.value}):"
    lines = page.wrapped(f"{lead} {finding.title}", rest="  ")
    lines[0].stylize(STRONG, 0, len(lead))
    return [paint(line, culprits(finding)) for line in lines]


def _body(run: Run, finding: Finding, page: Page, clock: Clock, cut: Cut) -> list[list[Text]]:
    return [
        picture(finding.steps, page, clock, most=cut.steps, blame=culprits(finding)),
        [
            *_resources(run, finding, page, cut.resources),
            *_why(finding, page, cut.why),
            *_also(finding, page, clock, cut.also),
            *_consequences(finding, page, cut.also),
        ],
        fix_lines(finding, page),
    ]


def separated(blocks: list[list[Text]]) -> list[Text]:
    """Return the lines of all blocks that have any, with an empty line between two blocks."""
    lines: list[Text] = []
    for block in blocks:
        if block:
            lines += [Text(), *block] if lines else block
    return lines


def _resources(run: Run, finding: Finding, page: Page, most: int) -> list[Text]:
    """Return the lines of the program that made what the finding is about."""
    told: dict[tuple[str, str], list[Text]] = {}
    for resource in dict.fromkeys(resource.outermost for resource in finding.resources):
        site = resource.created_at
        if site is None:
            continue
        line = page.text(f"  {shorten(_making(run, resource, site), page.width - 24)}")
        told.setdefault((line.plain, page.place(site)), page.ending(line, site))
    return [line for lines in list(told.values())[:most] for line in lines]


def _making(run: Run, resource: Resource, site: Site) -> str:
    """Return the line of the program that made it; where the source is not at hand, what it made."""
    article = "an" if resource.kind[:1] in "AEIO" else "a"
    named = f"{resource.name}, {article} {resource.kind}," if resource.name and resource.kind else resource.label
    return run.source_line(site.file, site.line) or f"{named} was made at"


def _why(finding: Finding, page: Page, most: int) -> list[Text]:
    lines = page.wrapped(finding.why, first="  ", rest="  ") if finding.why else []
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], Text(f"{lines[most - 1].plain[: page.width - 4]} ...")]


def _also(finding: Finding, page: Page, clock: Clock, most: int) -> list[Text]:
    """Return who else is struck: like ones in one line."""
    likes = like_steps(replace(step, says=_without_wait(step.says)) for step in finding.also)
    waits = finding.also and all(step.who is not None and step.says.startswith(("in ", "wait")) for step in finding.also)
    lead = "Also waiting:" if waits else "Also:"
    lines: list[Text] = []
    for number, like in enumerate(likes[:most]):
        first = f"  {lead} " if number == 0 else "    "
        told = page.wrapped(like.says(clock), first=first, rest="    ")
        lines += [*told[:-1], *page.ending(told[-1], like.site)]
    return lines + _uncounted(len(likes) - most)


def _without_wait(says: str) -> str:
    """Return ``in join() of salary`` for ``waits in join() of salary``: that it waits is said in front."""
    return says.removeprefix("waits ") if says.startswith("waits in ") else says


def _consequences(finding: Finding, page: Page, most: int) -> list[Text]:
    """Return what follows from it; what its own title says already is not said again."""
    lines: list[Text] = []
    alike: dict[object, list[Finding]] = {}
    for child in finding.children:
        if child.title not in finding.title:
            alike.setdefault((child.rule, re.sub(r"\d+", "", child.title)), []).append(child)
    for child, *others in list(alike.values())[:most]:
        more = f", and {counted(len(others), 'other')} like it" if others else ""
        lines += page.wrapped(f"It explains {child.rule}: {_without_error(child, finding)}{more}", first="  ", rest="    ")
    return lines + _uncounted(len(alike) - most)


def _without_error(child: Finding, cause: Finding) -> str:
    """Return the child's title; where it ends in the error that the cause's title ends in as well, without the error's text."""
    error = _ERROR.search(cause.title)
    told = error is not None and child.title.endswith(error.group())
    return child.title.removesuffix(error.group()) + "the same" if error is not None and told else child.title


_ERROR = re.compile(r"\b[A-Z]\w+: .{8,}$")


def _uncounted(number: int) -> list[Text]:
    return [Text(f"    ... and {counted(number, 'other')} (-v)")] if number > 0 else []


def fix_lines(finding: Finding, page: Page) -> list[Text]:
    """Return what to change, and where."""
    if not finding.fix:
        return []
    lines = page.wrapped(finding.fix, first="  Fix  ", rest="       ")
    lines[0].stylize(STRONG, 2, 5)
    return [*lines[:-1], *page.ending(lines[-1], finding.fix_at)]
