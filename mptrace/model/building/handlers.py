"""The handlers for signals that a process has: its own, and those of the parent whose memory it began with."""

from __future__ import annotations

from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import processes

MS = 1_000_000


def build_handlers(run: Run) -> None:
    """Fill in `Process.handlers`; parents come before their children in the run."""
    events = list(run.of(processes.HANDLER))
    for process in run.processes:
        process.handlers, process.timers = {}, {}
        for event in events:
            if event.process is not None and _concerns(event, process):
                _take(process.handlers, event)
                process.timers.setdefault(event.number("signal"), 0)  # a timer that was set before, we should have seen
        _take_timers(run, process)


def _concerns(event: Event, process: Process) -> bool:
    """Was it set here, or by whom this was forked from, before the fork?"""
    ancestor, until_ns = process, event.at_ns
    while ancestor is not None and event.process is not ancestor:
        until_ns = ancestor.started_ns
        if event.at_ns > until_ns or ancestor.forked_from is None:
            return False
        ancestor = ancestor.forked_from
    return ancestor is not None and event.at_ns <= until_ns


def _take(handlers: dict[int, str], event: Event) -> None:
    if event.number("wakes"):
        handlers[event.number("signal")] = event.text("handler")
    else:
        handlers.pop(event.number("signal"), None)


def _take_timers(run: Run, process: Process) -> None:
    """A forked child has none of its parent's timers."""
    for event in run.of(processes.TIMER):
        if event.process is process:
            is_for_ever = event.number("every") > 0 and event.number("ms") > 0
            process.timers[event.number("signal")] = None if is_for_ever else event.at_ns + event.number("ms") * MS
