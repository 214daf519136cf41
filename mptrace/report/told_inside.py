"""What processes told of themselves (``attach --inside``): tasks of event loops, and objects; no verdict rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.model.site import Site
from mptrace.report.names import process_name
from mptrace.wire.events import observations

if TYPE_CHECKING:
    from mptrace.model.event import Event
    from mptrace.model.process import Process
    from mptrace.model.run import Run
    from mptrace.report.page import Page

MOST = 12
"""Most lines of one process without ``-v``."""


def told_inside(run: Run, page: Page) -> list[Text]:
    """Return what each process told, under its name; nothing if none was asked."""
    told: dict[Process, list[Event]] = {}
    for event in run.of(observations.INSIDE):
        process = run.process(event.number("pid"), event.at_ns)
        if process is not None:
            told.setdefault(process, []).append(event)
    return [line for process, events in told.items() for line in _lines(process, events, page)][1:]


def _lines(process: Process, events: list[Event], page: Page) -> list[Text]:
    shown = [event for event in events if page.verbose or event.text("what") != "frame"]
    most = shown if page.verbose else shown[:MOST]
    lines = [Text(), page.text(f"  {process_name(process)} (pid {process.pid}) told of itself, when it was asked")]
    for event in most:
        lines += _line(event, page)
    more = len(shown) - len(most)
    if not shown:
        return [*lines, page.text("    only where its threads are (-v)")]
    return lines + ([page.text(f"    and {more} more (-v)")] if more else [])


def _line(event: Event, page: Page) -> list[Text]:
    what, function = event.text("what"), event.text("function")
    said = f"{function}: {event.text('text')}".rstrip(": ") if what == "frame" else event.text("text")
    site = Site(event.text("file"), event.number("line"), function) if event.text("file") else None
    wrapped = page.wrapped(said, first="    ", rest="      ")
    return [*wrapped[:-1], *page.ending(wrapped[-1], site)] if site else wrapped
