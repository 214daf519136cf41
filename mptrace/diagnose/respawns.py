"""Workers that end before their first task, as seen from outside: the pool has an initializer, and nobody takes a task."""

from __future__ import annotations

from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks

UNKNOWN_STATUS = -1000
"""What attach writes for the end of a worker that was to stay, and whose status was gone before it could be seen."""


def failed_workers(run: Run) -> dict[int, list[Event]]:
    """Return the ends of workers that should not have ended, by the key of their pool."""
    ended: dict[int, list[Event]] = {}
    for event in run.of(tasks.WORKER_JOINED):
        if event.number("code") > 0 or event.number("code") == UNKNOWN_STATUS:
            ended.setdefault(unsigned(event.number("pool")), []).append(event)
    return ended


def how(events: list[Event]) -> str:
    """Return `` with status 1`` as far as the status of one of these ends is known."""
    known = next((event.number("code") for event in events if event.number("code") > 0), None)
    return "" if known is None else f" with status {known}"


def fails_at_once(run: Run, key: int) -> bool:
    """Did a pool's workers end while the same task stayed first in its queue, and do they begin with an initializer?"""
    untaken = any(unsigned(event.number("pool")) == key for event in run.of(tasks.UNTAKEN))
    return untaken and any(event.text("initializer") for event in run.of(tasks.POOL) if unsigned(event.number("pool")) == key)
