"""What a Pool or an executor is called in every process, and which line handed it a job.

========= =======================================================================================
object    OBJECT key
========= =======================================================================================
Pool      inode of the pipe its workers read tasks from (``_inqueue._reader``), with bit 40 set
Executor  inode of the pipe its workers read calls from (``_call_queue._reader``), with bit 41 set
========= =======================================================================================

A worker under spawn gets those queues by unpickling, so it finds the same keys; the bits keep a pool apart from its queue.
"""

from __future__ import annotations

from . import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POOL_BIT, EXECUTOR_BIT = 1 << 40, 1 << 41

ROLE = "_mptrace_role"
"""Attribute of a thread: (role, OBJECT key of the queue, pool or executor that it serves)."""

JOBS = 2000
"""Most jobs whose line is remembered, of all pools together; the oldest are forgotten."""

served: dict[int, int] = {}
"""Inode of a queue's pipe -> OBJECT key of the pool or executor that it belongs to."""


class Job:
    """Where a job was handed in: number of its site, the call and the function as texts, how many tasks it is (-1: unknown).

    ``last``: of an executor's calls one after the other that are alike, the number of the last; the first is the one remembered.
    """

    __slots__ = ("call", "function", "last", "site", "tasks")

    def __init__(self, call: str, function: str, site: int, tasks: int) -> None:
        self.call, self.function, self.site, self.tasks, self.last = call, function, site, tasks, -1


_jobs: dict[tuple[int, int], Job] = {}


def pipe_key(queue: Any) -> int:
    """Return the inode of the pipe that a queue reads from; 0 if it has none (a ThreadPool's) or it is closed and unknown."""
    reader = getattr(queue, "_reader", None)
    try:
        return identity.inode(reader.fileno())  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return identity.key_of(reader)


def key_of_pool(inqueue: Any) -> int:
    """Return the OBJECT key of the Pool with this task queue; 0 for a ThreadPool."""
    inode = pipe_key(inqueue)
    return inode | POOL_BIT if inode else 0


def key_of_executor(call_queue: Any) -> int:
    """Return the OBJECT key of the ProcessPoolExecutor with this call queue."""
    inode = pipe_key(call_queue)
    return inode | EXECUTOR_BIT if inode else 0


plain_items: set[type] = {int, str, bytes, float, bool, complex, type(None), bytearray}
"""Types of items whose place of put nobody will ask for: pickling does not refuse them, or a job of a pool says where it comes from."""


def served_end(end: Any) -> None:
    """Say that only the library's own loop waits at this connection in this process."""
    mine = getattr(end, identity.NAME, None)
    if mine is not None:
        mine.recv.fixed = mine.send.fixed = mine.poll.fixed = True


def served_lock(lock: Any) -> None:
    """Say that only the library's own loop takes this lock in this process."""
    cell = getattr(lock, identity.NAME, None)
    if cell is not None:
        cell.fixed = True


def remember(pool: int, number: int, job: Job) -> None:
    """Note where the job ``number`` of a pool comes from."""
    if len(_jobs) >= JOBS:
        forgotten = _jobs.pop(next(iter(_jobs)), None)
        if forgotten is not None:
            forgotten.call = ""  # no later call is like it: that one is remembered anew
    _jobs[pool, number] = job


def forget(pool: int) -> None:
    """Forget the jobs of one that had the same key, and is gone."""
    for known in [known for known in list(_jobs) if known[0] == pool]:
        _jobs.pop(known, None)


def job_of(pool: int, number: int) -> Job | None:
    """Return where a job comes from, in the process that submitted it. For what is rare: it looks through all of an executor's."""
    job = _jobs.get((pool, number))
    if job is None and pool & EXECUTOR_BIT:
        for (executor, first), found in list(_jobs.items()):
            if executor == pool and first <= number <= found.last:
                return found
    return job


def job_numbered(number: int) -> tuple[int, Job | None]:
    """Return (pool, where it comes from) of a job of any Pool: their numbers are unique in a process. For failures only."""
    for (pool, job), found in list(_jobs.items()):
        if job == number and pool & POOL_BIT:
            return pool, found
    return 0, None


def task_number(job: object, index: object) -> int:
    """Return the number of a task as the board holds it: job << 32 | index (both cut to 32 bits)."""
    return (job & 0xFFFFFFFF) << 32 | (index & 0xFFFFFFFF if type(index) is int else 0) if type(job) is int else 0
