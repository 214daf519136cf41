"""The waits, holds and tasks that one head shows: its numbers turned into threads, resources and places."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.collect.recording import Entry, Head, Slot
from mptrace.model.building.workshop import Workshop
from mptrace.model.moment import Doing, Hold, Wait
from mptrace.model.process import Process, Thread
from mptrace.model.resource import Resource
from mptrace.wire import resource as family_of
from mptrace.wire.wait import EXIT, STALE_SITE

_INDEX_BITS = 32


def read_waits(shop: Workshop, process: Process, head: Head, at_ns: int) -> Iterator[Wait]:
    """Yield what the threads of a process waited for, by its board; of a main thread that is about to end, that alone."""
    for entry in head.entries:
        if entry.ended or not entry.tid:
            continue
        thread = shop.thread(process, entry.tid)
        if entry.wait is None:
            if entry.intent is not None and entry.intent.kind == EXIT:
                yield _wait(shop, thread, entry.intent, at_ns, f"{process.id}:intent {entry.tid}")
            continue
        wait = _wait(shop, thread, entry.wait, at_ns, f"{process.id}:wait {entry.tid}")
        if entry.intent is not None:
            wait.intent = _wait(shop, thread, entry.intent, at_ns, f"{process.id}:intent {entry.tid}")
        yield wait


def moving_threads(shop: Workshop, process: Process, head: Head) -> Iterator[Thread]:
    """Yield the threads whose board entry changed while it was read."""
    return (shop.thread(process, entry.tid) for entry in head.entries if entry.moving and entry.tid)


def _wait(shop: Workshop, thread: Thread, slot: Slot, at_ns: int, ref: str) -> Wait:
    places = shop.places[thread.process]
    return Wait(
        thread,
        slot.kind,
        shop.target(thread.process, slot.family, slot.key, at_ns),
        slot.since_ns,
        slot.timeout_ns,
        places.site(slot.site),
        places.stack(slot.stack),
        slot.detail,
        ref=ref,
        stale_site=bool(slot.flags & STALE_SITE),
    )


def read_holds(shop: Workshop, process: Process, head: Head) -> Iterator[Hold]:
    """Yield which locks the threads of a process held."""
    for number, lock in enumerate(head.locks):
        if not lock.ident:
            continue
        resource = shop.resource(family_of.SEM, lock.key, process, "Lock")
        thread = _by_ident(shop, process, head, lock.ident)
        site = shop.places[process].site(lock.site)
        yield Hold(thread, resource, lock.since_ns or None, site, f"{process.id}:held {number}")


def read_releases_by_strangers(shop: Workshop, process: Process, head: Head) -> Iterator[tuple[Resource, int]]:
    """Yield the locks that a process released without holding them, and when: what others took before is theirs no more."""
    for lock in head.locks:
        if lock.given_away_ns is not None:
            yield shop.resource(family_of.SEM, lock.key, process, "Lock"), lock.given_away_ns


def _by_ident(shop: Workshop, process: Process, head: Head, ident: int) -> Thread:
    """Return the thread with this ``get_ident()``; a thread that never waited may have told us only that."""
    for entry in head.entries:
        if entry.ident == ident and entry.tid and not entry.ended:
            return shop.thread(process, entry.tid)
    known = shop.idents.get((process, ident))
    if known is not None:
        return known
    if not any(_is_main(process, entry) for entry in head.entries):
        return shop.thread(process, process.pid)
    nameless = shop.idents[process, ident] = Thread(process, 0, "a thread")
    process.threads.append(nameless)
    return nameless


def _is_main(process: Process, entry: Entry) -> bool:
    return entry.tid == process.pid


def read_doings(shop: Workshop, process: Process, head: Head) -> Iterator[Doing]:
    """Yield the tasks that a process was in the middle of; a task's number holds the index, and the job in its upper half."""
    for cell in head.doings:
        pool: Resource | None = shop.resource(family_of.OBJECT, cell.key, process) if cell.key else process.pool
        thread = shop.thread(process, cell.tid or process.pid)
        yield Doing(thread, pool, cell.number >> _INDEX_BITS, cell.number & 0xFFFFFFFF, cell.text, cell.since_ns)
