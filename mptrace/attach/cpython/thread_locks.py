"""The locks of `threading` in a process: which object a thread waits for, and who owns an RLock.

::

    up to 3.13                                                   from 3.14 on
    _thread.lock    16 sem_t *   32 u8 locked                    16 u8 mutex (bit 0: locked)
    _thread.RLock   16 sem_t *   24 owner (an ident)   32 count  16 u8 mutex   24 owner

A thread that waits for a mutex is parked: it sleeps on a semaphore of its own stack, and the word before that is the address of
what it waits for. 3.13 parks threads that wait for a SimpleQueue or for a thread's end.
"""

from __future__ import annotations

from dataclasses import dataclass

from mptrace.attach.cpython.objects import Objects
from mptrace.attach.cpython.search import search_words
from mptrace.attach.cpython.walk import Walk
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import SeenProcess

PARKING, MUTEXES = (3, 13), (3, 14)
"""Since when threads are parked at all, and since when also for a lock."""


@dataclass(frozen=True, slots=True)
class FoundLock:
    """``semaphore``: what is waited on; ``owner``: ident of the thread that has an RLock, 0 of a Lock, which does not say."""

    address: int
    semaphore: int
    is_recursive: bool
    owner: int
    locked: bool


def read_thread_locks(objects: Objects, walk: Walk) -> dict[int, FoundLock]:
    """Return address of the semaphore that is waited on -> the lock, for all that the walk has reached."""
    found = (read_thread_lock(objects, lock.address, recursive=lock.name == "RLock") for lock in walk.of("thread lock"))
    return {lock.semaphore: lock for lock in found if lock is not None}


def read_thread_lock(objects: Objects, address: int, *, recursive: bool) -> FoundLock | None:
    """Read one lock; None if that cannot be."""
    try:
        if objects.layout.version >= MUTEXES:
            return _read_mutex(objects, address, recursive=recursive)
        semaphore, owner, count = objects.memory.words(address + 16, 3)
        value = int.from_bytes(objects.memory.read_fresh(semaphore, 4), "little")
    except Unreadable:
        return None
    return FoundLock(address, semaphore, recursive, owner if recursive and count else 0, value == 0)


def _read_mutex(objects: Objects, address: int, *, recursive: bool) -> FoundLock:
    locked = bool(objects.memory.read_fresh(address + 16, 1)[0] & 1)
    owner = objects.memory.u64(address + 24) if recursive and locked else 0
    return FoundLock(address, address + 16, recursive, owner, locked)


def parked_lock(objects: Objects, futex: int) -> FoundLock | None:
    """Return the lock that a thread is parked for; None if it is parked for none."""
    if objects.layout.version < MUTEXES:
        return None
    address = _parked_for(objects, futex)
    return read_thread_lock(objects, address, recursive=_class_of(objects, address) == _RLOCK) if address else None


def is_python_lock(process: SeenProcess, objects: Objects, futex: int) -> bool:
    """Is this futex that of a lock of Python's? Another library's may be released by native threads that we do not know."""
    if objects.layout.version >= PARKING and _parked_for(objects, futex):
        return True
    hits, _ = search_words(process, objects.memory, futex)
    return any(_class_of(objects, hit - 16) in _WITH_LOCK for hit in hits)


def search_lock(process: SeenProcess, objects: Objects, futex: int) -> FoundLock | None:
    """Search the memory of a process for the lock behind a futex, for one that the walk did not come by."""
    if objects.layout.version >= MUTEXES:
        return parked_lock(objects, futex)
    hits, _ = search_words(process, objects.memory, futex)
    locks = [(hit - 16, kind) for hit in hits if (kind := _class_of(objects, hit - 16)) in _LOCKS]
    return read_thread_lock(objects, locks[0][0], recursive=locks[0][1] == _RLOCK) if len(locks) == 1 else None


_RLOCK = ("_thread", "RLock")
_LOCKS = (("_thread", "lock"), _RLOCK)
_WITH_LOCK = frozenset({*_LOCKS, ("_queue", "SimpleQueue")})


def _parked_for(objects: Objects, futex: int) -> int:
    """Return the object that a thread is parked for, if it is one with a lock in it; else 0."""
    try:
        address = int.from_bytes(objects.memory.read_fresh(futex - 8, 8), "little") - 16
        return address if _class_of(objects, address) in _WITH_LOCK else 0
    except Unreadable:
        return 0


def _class_of(objects: Objects, address: int) -> tuple[str, str]:
    try:
        return objects.class_of(address)
    except Unreadable:
        return "", ""
