"""Waits within one process, told more exactly by its memory: the thread that a join is for, the lock that is wanted."""

from __future__ import annotations

from dataclasses import replace

from mptrace.attach.cpython.thread_locks import is_python_lock
from mptrace.attach.insight import Insight
from mptrace.attach.intents import place_of
from mptrace.attach.seen import SeenThread, SeenWait
from mptrace.wire import resource, wait

_JOINS = frozenset({"join", "_wait_for_tstate_lock", "_join"})


def refined(insight: Insight, thread: SeenThread) -> SeenWait | None:
    """Return a more exact form of a thread's wait on a private futex; None if there is nothing to add."""
    if thread.wait is None or thread.wait.kind != wait.MUTEX_WAIT or not thread.frames:
        return None
    if _shuts_down(insight, thread):
        return replace(thread.wait, kind=wait.EXIT, family=resource.NONE, key=0)
    joined = _joined(insight, thread)
    if joined:
        return replace(thread.wait, kind=wait.THREAD_END, family=resource.THREAD, key=joined)
    lock = insight.lock_behind(thread.wait.key)
    return replace(thread.wait, key=lock.address) if lock is not None else None


def _shuts_down(insight: Insight, thread: SeenThread) -> bool:
    """Is it a main thread that is done, and waits for those that are no daemons?"""
    return thread.tid == insight.process.pid and place_of(thread.frames[0]) == ("threading.py", "_shutdown")


def is_foreign(insight: Insight, thread: SeenThread) -> bool:
    """Does a thread wait for a futex that is none of Python's: a condition of native code, which native threads may signal?

    One without a frame of Python is native itself. Dead end: to search all memory for its futex took a second a thread, of which
    OpenMP has one a core, with a gigabyte of PyTorch in memory.
    """
    if thread.wait is None or thread.wait.kind != wait.MUTEX_WAIT:
        return False
    if not thread.frames:
        return True
    if any(thread.wait.key in (lock.address, lock.semaphore) for lock in insight.thread_locks.values()):
        return False
    return not is_python_lock(insight.process, insight.objects, thread.wait.key)


def _joined(insight: Insight, thread: SeenThread) -> int:
    """Return the native id of the thread that this one joins, by the innermost frame; 0 if it joins none."""
    file, function = place_of(thread.frames[0])
    if file != "threading.py" or function not in _JOINS:
        return 0
    attributes = insight.attributes(thread.frames[0].local("self"))
    ident, inner = insight.number(attributes.get("_ident", 0)), insight.number(attributes.get("_native_id", 0))
    others = insight.process.threads.values()
    return next((other.tid for other in others if other.inner_tid == inner or (ident and other.ident == ident)), 0)
