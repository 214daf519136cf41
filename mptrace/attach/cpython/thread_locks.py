"""The locks of `threading` in a process, up to 3.13: which object a thread waits for, and who owns an RLock.

::

    _thread.lock    16 sem_t *   32 u8 locked
    _thread.RLock   16 sem_t *   24 owner (an ident)   32 count
"""

from __future__ import annotations

from dataclasses import dataclass

from mptrace.attach.cpython.objects import Objects
from mptrace.attach.cpython.search import search_words
from mptrace.attach.cpython.walk import Walk
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import SeenProcess

LAST_VERSION = (3, 13)
"""From 3.14 on a lock is one byte in its object."""


@dataclass(frozen=True, slots=True)
class FoundLock:
    """``owner``: ident of the thread that has an RLock, 0 of a Lock, which does not say."""

    address: int
    semaphore: int
    is_recursive: bool
    owner: int
    locked: bool


def read_thread_locks(objects: Objects, walk: Walk) -> dict[int, FoundLock]:
    """Return address of the semaphore that is waited on -> the lock, for all that the walk has reached."""
    if objects.layout.version > LAST_VERSION:
        return {}
    found = (_read(objects, lock.address, lock.name) for lock in walk.of("thread lock"))
    return {lock.semaphore: lock for lock in found if lock is not None}


def _read(objects: Objects, address: int, name: str) -> FoundLock | None:
    try:
        semaphore, owner, count = objects.memory.words(address + 16, 3)
        value = int.from_bytes(objects.memory.read_fresh(semaphore, 4), "little")
    except Unreadable:
        return None
    recursive = name == "RLock"
    return FoundLock(address, semaphore, recursive, owner if recursive and count else 0, value == 0)


def is_python_lock(process: SeenProcess, objects: Objects, futex: int) -> bool:
    """Is this futex that of a lock of Python's? Another library's may be released by native threads that we do not know.

    3.13 parks threads on a semaphore of their own stack; the word before it is the address that is waited for, 16 bytes into a
    SimpleQueue, or inside of a thread's handle.
    """
    if objects.layout.version >= LAST_VERSION and _is_parked(objects, futex):
        return True
    hits, _ = search_words(process, objects.memory, futex)
    return any(_class_of(objects, hit - 16) in _WITH_LOCK for hit in hits)


_WITH_LOCK = frozenset({("_thread", "lock"), ("_thread", "RLock"), ("_queue", "SimpleQueue")})


def _is_parked(objects: Objects, futex: int) -> bool:
    try:
        return _class_of(objects, objects.memory.u64(futex - 8) - 16) in _WITH_LOCK
    except Unreadable:
        return False


def _class_of(objects: Objects, address: int) -> tuple[str, str]:
    try:
        return objects.class_of(address)
    except Unreadable:
        return "", ""
