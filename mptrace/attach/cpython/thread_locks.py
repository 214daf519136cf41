"""The locks of `threading` in a process, up to 3.13: which object a thread waits for, and who owns an RLock.

::

    _thread.lock    16 sem_t *   32 u8 locked
    _thread.RLock   16 sem_t *   24 owner (an ident)   32 count
"""

from __future__ import annotations

from dataclasses import dataclass

from mptrace.attach.cpython.objects import Objects
from mptrace.attach.cpython.walk import Walk
from mptrace.attach.memory import Unreadable

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
