"""What ``-v`` adds to a finding: its details, the stacks of its processes, the records it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.report.names import actor_name
from mptrace.report.page import Page

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding
    from mptrace.model.moment import Moment
    from mptrace.model.process import Thread
    from mptrace.model.run import Run
    from mptrace.model.site import Site


def internals(run: Run, finding: Finding, page: Page) -> list[Text]:
    """Return the lines that only ``-v`` shows."""
    return [line for block in (_details(finding, page), _stacks(run, finding, page), _evidence(finding, page)) for line in block]


def _details(finding: Finding, page: Page) -> list[Text]:
    told = [line for detail in finding.details for line in detail.splitlines()]
    return [Text(), *(page.text(f"  {line}") for line in told)] if told else []


def _evidence(finding: Finding, page: Page) -> list[Text]:
    if not finding.evidence:
        return []
    width = max(len(item.ref) for item in finding.evidence) + 2
    lines = [Text(), Text("  Evidence")]
    for item in finding.evidence:
        lines += page.wrapped(item.says, first=f"    {item.ref:<{width}}", rest=" " * (width + 4))
    return lines


def _stacks(run: Run, finding: Finding, page: Page) -> list[Text]:
    """Return the stacks of the finding's processes at its moment (or where they were last seen)."""
    moment = next((look for look in reversed(run.moments) if finding.moment in (None, look.number)), None)
    lines: list[Text] = []
    for process in finding.processes if moment else ():
        for thread in process.threads:
            lines += _stack(thread, stack_of(thread, moment), page) if moment else []
    return lines


def stack_of(thread: Thread, moment: Moment) -> tuple[Site, ...]:
    """Return a thread's frames, innermost first: as seen from outside, else as its wait noted them."""
    look, wait = moment.looks.get(thread), moment.wait_of(thread)
    return (look.stack if look else ()) or (wait.stack if wait else ())


def _stack(thread: Thread, frames: tuple[Site, ...], page: Page) -> list[Text]:
    if not frames:
        return []
    lines = [Text(), page.text(f"  Stack of {actor_name(thread)} (pid {thread.process.pid}), innermost first")]
    for frame in frames:
        lines += page.ending(page.text(f"    {frame.function}"), frame)
    return lines
