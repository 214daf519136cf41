"""What identifies a resource in every process of a job: a family and a 64-bit key.

======== ======================================================================
family   key
======== ======================================================================
SEM      the eight random letters of the semaphore's name ``/mp-abcdefgh``, as bytes
PIPE     inode of the pipe, or of one socket of a socket pair
PROCESS  pid
THREAD   native thread id
OBJECT   of a composite: the key of one of its parts (which: agent/identity.py), or pid << 32 | count
SEGMENT  first eight bytes of the shared memory's name, or inode of its file
MUTEX    a lock of `threading`: pid << 32 | count, or its address (private to one process)
======== ======================================================================

A semaphore's handle, an ``id()`` or a file descriptor differ between processes; these do not.
"""

from __future__ import annotations

NONE, SEM, PIPE, PROCESS, THREAD, OBJECT, SEGMENT, MUTEX = range(8)

FAMILY_NAMES = ("none", "sem", "pipe", "process", "thread", "object", "segment", "mutex")


def semaphore_key(name: str) -> int:
    """Return the key of a semaphore by its name, as multiprocessing.synchronize.SemLock._make_name makes it."""
    return int.from_bytes(name.encode("utf-8", "replace")[-8:], "big")


def text_key(name: str) -> int:
    """Return the key of a shared memory segment by its name (the last eight bytes: the front is a constant prefix)."""
    return int.from_bytes(name.encode("utf-8", "replace")[-8:], "big")
