"""What the objects of the program are called in every process: a key for each, read from the parts they are made of.

The probes of semaphores and connections leave a small object of ours on what they watch, as the attribute `NAME`;
its ``key`` is asked for here, so that no probe has to know another. Keys of composites (family OBJECT):

============================ =====================================================
Queue, JoinableQueue,        inode of the pipe it reads from
SimpleQueue
Condition                    its ``_wait_semaphore`` (the lock may serve several conditions)
Event                        its ``_flag``
Barrier                      its condition's ``_sleeping_count``
Manager                      the last eight bytes of its server's address, as text
Value, Array                 the semaphore of its lock; without a lock: pid << 32 | count
============================ =====================================================
"""

from __future__ import annotations

import os
from itertools import count

from ..wire.resource import text_key

NAME = "_mptrace"
"""Attribute of a SemLock or Connection that holds our cell for it."""

_next = count(1).__next__


def key_of(what: object) -> int:
    """Return the key of a SemLock or Connection; 0 if it has none."""
    return getattr(getattr(what, NAME, None), "key", 0)


def inode(fd: int) -> int:
    """Return the inode behind a descriptor; 0 if it is closed."""
    try:
        return os.fstat(fd).st_ino
    except (OSError, TypeError, ValueError):
        return 0


def of_queue(queue: object) -> int:
    """Return the OBJECT key of a Queue, JoinableQueue or SimpleQueue; 0 if its pipe is not known."""
    return key_of(getattr(queue, "_reader", None))


def of_condition(condition: object) -> int:
    """Return the OBJECT key of a multiprocessing Condition."""
    return key_of(getattr(condition, "_wait_semaphore", None))


def of_event(event: object) -> int:
    """Return the OBJECT key of a multiprocessing Event."""
    return key_of(getattr(event, "_flag", None))


def of_barrier(barrier: object) -> int:
    """Return the OBJECT key of a multiprocessing Barrier."""
    return key_of(getattr(getattr(barrier, "_cond", None), "_sleeping_count", None))


def of_manager(address: object) -> int:
    """Return the OBJECT key of a manager by its server's address (a path, or host and port)."""
    return text_key(str(address))


def private() -> int:
    """Return a new key for something that only this process and its forked children know."""
    return os.getpid() << 32 | _next()
