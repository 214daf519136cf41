"""Look into the processes of a running, traced job for what its agent does not see: plain locks of `threading`, and who has them.

`threading.Lock` is the builtin and stays it, so no board tells of it. While a moment of a job that stands still is taken, the
processes in which a thread blocks in a futex that no board explains are read from outside, as attach reads them. The launcher
does not know us: the command line hands us to it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from mptrace.attach.frames import Stacks
from mptrace.attach.insight import gain_insights
from mptrace.attach.job import Job, World, see_process
from mptrace.attach.looks import look
from mptrace.attach.memory import Memory
from mptrace.attach.names import JobNames
from mptrace.attach.seen import SeenProcess, SeenThread
from mptrace.attach.sight import Sight
from mptrace.attach.stacks import assign
from mptrace.attach.syscalls import parse_syscall
from mptrace.attach.waiting import read_intents, read_waits, settle
from mptrace.attach.writing import write_holders
from mptrace.observe import procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire import wait
from mptrace.wire.events import observations

PROCESSES, TIME_S = 16, 2.0
"""Most processes that are read for one moment, and for how long; each takes some milliseconds, and half a second at most."""

Dumps = Mapping[int, list[dict[str, Any]]]
"""pid -> what py-spy said of its threads."""


def look_inside(log: ObserverLog, moment: int, dumps: Dumps, explained: Collection[tuple[int, int]]) -> None:
    """Write LOCK_WAIT and LOCK_HOLDER events; ``explained``: (pid, tid) of the threads whose board says what they wait for."""
    until = time.monotonic() + TIME_S
    chosen = [process for pid in dumps if (process := _see(pid, explained)) is not None]
    for number, process in enumerate(chosen):
        if number < PROCESSES and time.monotonic() < until:
            _read(log, moment, process, dumps[process.pid], explained)
        else:
            log.write(observations.NOT_SEEN, process.pid, "thread locks", f"{number} processes were read, and no more")


def _see(pid: int, explained: Collection[tuple[int, int]]) -> SeenProcess | None:
    """Return a process if a thread of it blocks in a futex, and nothing says why."""
    blocked = [tid for tid in procfs.tids(pid) if (pid, tid) not in explained and _blocks(pid, tid)]
    stat = procfs.stat(pid) if blocked else None
    return see_process(pid, World({pid: stat})) if stat is not None else None


def _blocks(pid: int, tid: int) -> bool:
    call = parse_syscall(procfs.read_bytes(f"/proc/{pid}/task/{tid}/syscall").decode("ascii", "replace").strip())
    return call.name == "futex" and not call.arguments[3]


def _read(
    log: ObserverLog, moment: int, process: SeenProcess, dump: list[dict[str, Any]], explained: Collection[tuple[int, int]]
) -> None:
    job = Job(process.pid, {process.pid: process}, World({process.pid: process.stat}))
    look(job)
    sight, memory = Sight(job, JobNames(job), time.monotonic_ns()), Memory(process.pid)
    assign(process, Stacks(dump))
    try:
        insights = gain_insights(sight, {process.pid: memory})
        read_waits(sight, {process.pid: memory})
        read_intents(sight, insights)
        look(job)
        settle(sight)
    finally:
        memory.close()
    _write(sight, log, moment, insights, explained)


def _write(sight: Sight, log: ObserverLog, moment: int, known: Collection[int], explained: Collection[tuple[int, int]]) -> None:
    kinds = {(thing.pid, thing.key): thing.kind for thing in sight.things if thing.kind}
    names = {(thing.pid, thing.key): thing.name for thing in sight.things if thing.name}
    for process in sight.job.living:
        for thread in process.threads.values():
            if process.pid in known and (process.pid, thread.tid) not in explained and _is_told(thread):
                at = process.pid, thread.wait.key if thread.wait else 0
                log.write(
                    observations.LOCK_WAIT, moment, process.pid, thread.tid, at[1], thread.since_ns, kinds.get(at, ""),
                    names.get(at, ""),
                )  # fmt: skip
    write_holders(sight, log, moment)
    for pid, what, why in sight.not_seen:
        log.write(observations.NOT_SEEN, pid, f"thread locks ({what})", why)


def _is_told(thread: SeenThread) -> bool:
    """Does it wait, without a timeout, for something of its own process's that is Python's?"""
    return thread.wait is not None and thread.wait.kind == wait.MUTEX_WAIT and thread.wait.timeout_ns is None
