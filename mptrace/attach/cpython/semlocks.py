"""The SemLock objects of a process: its own books on every semaphore it has mapped (struct drawn in layout.py)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from mptrace.attach.cpython.objects import Objects
from mptrace.attach.cpython.search import search_words
from mptrace.attach.cpython.walk import Walk
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import SeenProcess

_SEMLOCK = Struct("<QQiiiiQ")
_FROM = 16
"""Where the fields begin."""

RECURSIVE = 0


@dataclass(frozen=True, slots=True)
class SemLock:
    """``handle``: address of the semaphore; ``ident``: the thread that took it last; ``count``: taken less released here."""

    address: int
    handle: int
    ident: int
    count: int
    maximum: int
    kind: int
    name: str

    @property
    def is_lock(self) -> bool:
        """Can only one thread have it?"""
        return self.maximum == 1


def read_semlock(objects: Objects, address: int) -> SemLock | None:
    """Read one object; None if it is not a SemLock."""
    try:
        if objects.class_of(address) != ("_multiprocessing", "SemLock"):
            return None
        handle, ident, count, maximum, kind, _, name = _SEMLOCK.unpack(objects.memory.read(address + _FROM, _SEMLOCK.size))
        return SemLock(address, handle, ident, count, maximum, kind, objects.memory.text(name) if name else "")
    except Unreadable:
        return None


def reached_semlocks(objects: Objects, walk: Walk) -> dict[int, SemLock]:
    """Return address of the wrapper (a Lock, Semaphore, ...) -> SemLock for all that the walk has reached."""
    read = ((found.address, read_semlock(objects, found.attributes.get("_semlock", 0))) for found in walk.of("semlock"))
    return {address: semlock for address, semlock in read if semlock is not None}


def search_semlocks(process: SeenProcess, objects: Objects, handle: int) -> tuple[list[SemLock], bool]:
    """Search the memory of a process for all SemLocks of one semaphore; False if not everything could be searched."""
    hits, whole = search_words(process, objects.memory, handle)
    read = (read_semlock(objects, hit - _FROM) for hit in hits)
    return [semlock for semlock in read if semlock is not None and semlock.handle == handle], whole
