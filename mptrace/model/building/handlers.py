"""The handlers for signals that a process has: its own, and those of the parent whose memory it began with."""

from __future__ import annotations

from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import processes


def build_handlers(run: Run) -> None:
    """Fill in `Process.handlers`; parents come before their children in the run."""
    events = list(run.of(processes.HANDLER))
    for process in run.processes:
        process.handlers = {}
        for event in events:
            if event.process is not None and _concerns(event, process):
                _take(process.handlers, event)


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
