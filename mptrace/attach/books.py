"""Who holds which lock, by the books that every process keeps on its own copy of it.

A lock's copies count what was taken less what was released in their process. Exactly one above zero, none below, and the
semaphore at zero: that process holds it. None at all and the semaphore at zero: whoever took it is gone. Anything else means
that it was released by another process than the one that took it, or that a bare fork copied the count: no holder is told. And
nothing is proven of a holder that the program's text does not show to hold it (holding.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from mptrace.attach.address_space import read_address_space
from mptrace.attach.cpython.semlocks import RECURSIVE, SemLock, read_semlock, search_semlocks
from mptrace.attach.holding import is_seen_holding
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import SeenHold
from mptrace.attach.sight import LostLock, SemaphoreCopy, Sight, Thing
from mptrace.wire import resource, wait


@dataclass(frozen=True, slots=True)
class Copy:
    """One process's SemLock of a semaphore."""

    insight: Insight
    semlock: SemLock


_UNBOUNDED = 2**31 - 1

Books = dict[int, list[Copy]]
"""Key of a semaphore -> its copies."""


def keep_books(sight: Sight, insights: dict[int, Insight]) -> None:
    """Note the semaphores of the job: copies and values, holders, and locks whose holder is gone."""
    contested = _contested(sight)
    books = _open_books(sight, insights)
    for key, copies in books.items():
        value = _value(copies)
        if key in contested and value == 0 and copies[0].semlock.is_lock and not _holders(copies):
            copies = _search_all(sight, insights, key, copies)  # noqa: PLW2901 - the same copies, and what was overlooked
        _note_copies(sight, key, copies, value)
        if copies[0].semlock.is_lock and value == 0:
            _judge_lock(sight, insights, key, copies, contested=key in contested)
    _note_semaphores(sight, books)


def _contested(sight: Sight) -> set[int]:
    threads = (thread for process in sight.job.living for thread in process.threads.values())
    return {thread.wait.key for thread in threads if thread.wait is not None and thread.wait.kind == wait.ACQUIRE}


def _open_books(sight: Sight, insights: dict[int, Insight]) -> Books:
    books: Books = defaultdict(list)
    for insight in insights.values():
        seen: set[int] = set()
        for semlock in insight.semlocks.values():
            region = insight.process.space.region_at(semlock.handle)
            if semlock.address not in seen and region is not None and region.is_semaphore:
                seen.add(semlock.address)
                books[sight.names.semaphore_key(region.inode)].append(Copy(insight, semlock))
        _search_missed(sight, insight, books)
    return books


def _search_missed(sight: Sight, insight: Insight, books: Books) -> None:
    """A semaphore that is mapped without a SemLock that the walk came by: search for it, unless it was in vain elsewhere.

    (glibc keeps the page of a semaphore that was closed; it is nobody's any more.)
    """
    known = {semlock.handle for semlock in insight.semlocks.values()}
    for handle, region in insight.process.space.semaphores().items():
        if handle not in known and region.inode not in sight.ownerless:
            found, whole = search_semlocks(insight.process, insight.objects, handle)
            if not whole:
                sight.miss(insight.process.pid, "locks", "its memory is too large to be searched whole")
            if not found:
                sight.ownerless.add(region.inode)
                continue
            books[sight.names.semaphore_key(region.inode)] += [Copy(insight, semlock) for semlock in found]
            insight.semlocks.update({-semlock.address: semlock for semlock in found})


def _search_all(sight: Sight, insights: dict[int, Insight], key: int, copies: list[Copy]) -> list[Copy]:
    """Before a lock is called lost: search the memory of everybody who has it for copies that the walk did not come by."""
    known = {(copy.insight.process.pid, copy.semlock.address) for copy in copies}
    more = list(copies)
    for insight in insights.values():
        for handle, region in insight.process.space.semaphores().items():
            if sight.names.semaphore_key(region.inode) != key:
                continue
            found, whole = search_semlocks(insight.process, insight.objects, handle)
            more += [Copy(insight, one) for one in found if (insight.process.pid, one.address) not in known]
            if not whole:
                sight.miss(insight.process.pid, "locks", "its memory is too large to be searched whole")
    return more


def _value(copies: list[Copy]) -> int:
    """Return the semaphore's value now (the low half of glibc's word); -1 if nobody could be asked."""
    for copy in copies:
        try:
            memory = copy.insight.objects.memory
            return int.from_bytes(memory.read_fresh(copy.semlock.handle, 4), "little")
        except Unreadable:
            continue
    return -1


def _holders(copies: list[Copy]) -> list[Copy]:
    return [copy for copy in copies if copy.semlock.count > 0]


def _note_copies(sight: Sight, key: int, copies: list[Copy], value: int) -> None:
    for copy in copies:
        pid, lock = copy.insight.process.pid, copy.semlock
        sight.copies.append(SemaphoreCopy(pid, key, value, lock.count, lock.ident, lock.maximum, lock.kind))


def _judge_lock(sight: Sight, insights: dict[int, Insight], key: int, copies: list[Copy], *, contested: bool) -> None:
    holders, negative = _holders(copies), [copy for copy in copies if copy.semlock.count < 0]
    havers = [process for process in sight.job.living if key in _mapped(sight, process.pid)]
    unread = sum(1 for process in havers if process.pid not in insights) + sum(1 for one in sight.job.living if one.closed)
    if contested and not holders and not negative:
        unread += _latecomers(sight, key, {process.pid for process in havers})
    if len(holders) == 1 and not negative:
        process = holders[0].insight.process
        process.holds.append(SeenHold(key, holders[0].semlock.ident))
        if contested and not is_seen_holding(holders[0].insight, holders[0].semlock, key):
            sight.miss(process.pid, "a lock's holder", "its count says so, but it is in no block that takes the lock")
    elif holders or negative:
        if contested:
            sight.miss(0, "a lock's holder", "it was released by another process than the one that took it, or copied by a fork")
    elif contested:
        sight.lost_locks.append(LostLock(key, len(havers), unread))


def _latecomers(sight: Sight, key: int, havers: set[int]) -> int:
    """Return how many processes have mapped a semaphore only after their memory was looked through: one of them may have it."""
    others = [process.pid for process in sight.job.living if process.pid not in havers]
    now = ({sight.names.semaphore_key(one.inode) for one in read_address_space(pid).semaphores().values()} for pid in others)
    return sum(key in keys for keys in now)


def confirm_losses(sight: Sight, insights: dict[int, Insight]) -> None:
    """Drop the locks that somebody has by now, or has let go: they went from hand to hand while we read one copy after the other."""
    kept = []
    for lost in sight.lost_locks if not sight.newcomers else ():
        copies = [
            Copy(insight, one)
            for insight in insights.values()
            for one in _fresh(insight)
            if _key(sight, insight, one) == lost.key
        ]
        if not _holders(copies) and _value(copies) in {0, -1}:
            kept.append(lost)
    sight.lost_locks = kept


def _fresh(insight: Insight) -> Iterator[SemLock]:
    insight.objects.memory.forget()
    read = (read_semlock(insight.objects, address) for address in {one.address for one in insight.semlocks.values()})
    return (semlock for semlock in read if semlock is not None)


def _key(sight: Sight, insight: Insight, semlock: SemLock) -> int:
    region = insight.process.space.region_at(semlock.handle)
    return sight.names.semaphore_key(region.inode) if region is not None and region.is_semaphore else 0


def _mapped(sight: Sight, pid: int) -> set[int]:
    space = sight.job.processes[pid].space
    return {sight.names.semaphore_key(region.inode) for region in space.semaphores().values()}


def _note_semaphores(sight: Sight, books: Books) -> None:
    """Tell of every semaphore in every process that has it, by the class of its wrapper where that is known."""
    kinds = {key: kind for key, copies in books.items() if (kind := _kind(copies))}
    for process in sight.job.living:
        for key in _mapped(sight, process.pid):
            sight.things.append(Thing(process.pid, resource.SEM, key, kinds.get(key, ""), _maximum(books.get(key, ())), ""))


def _kind(copies: list[Copy]) -> str:
    for copy in copies:
        found = (copy.insight.found(wrapper) for wrapper, lock in copy.insight.semlocks.items() if lock is copy.semlock)
        named = next((one for one in found if one is not None), None)
        if named is not None:
            return named.name
    first = copies[0].semlock if copies else None
    if first is None:
        return ""
    return "RLock" if first.kind == RECURSIVE else "Lock" if first.is_lock else "Semaphore"


def _maximum(copies: list[Copy] | tuple[()]) -> int:
    """Return the bound of a lock or bounded semaphore; 0 for one without."""
    maximum = copies[0].semlock.maximum if copies else 0
    return maximum if maximum < _UNBOUNDED else 0
