"""The locks that a process held when it was cut off: they stay taken."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.model.building.waits import read_holds, read_releases_by_strangers
from mptrace.model.building.workshop import Workshop
from mptrace.model.moment import Hold
from mptrace.model.process import Process
from mptrace.model.resource import Resource


def build_held(shop: Workshop) -> None:
    """Fill in `Process.held`."""
    given_away: dict[Resource, int] = {}
    for process in shop.run.processes:
        head = shop.head(process)
        for lock, at_ns in read_releases_by_strangers(shop, process, head) if head else ():
            given_away[lock] = max(at_ns, given_away.get(lock, 0))
    for process in shop.run.processes:
        process.held = list(_held(shop, process, given_away))


def _held(shop: Workshop, process: Process, given_away: dict[Resource, int]) -> Iterator[Hold]:
    head = shop.head(process)
    if head is None or process.orderly or process.ended_ns is None:
        return
    for hold in read_holds(shop, process, head):
        if given_away.get(hold.resource, -1) < (hold.since_ns or 0):
            yield hold
