"""Look at every thread of a job, twice: what did not run in between is seen at one instant."""

from __future__ import annotations

import re
import threading
import time
from functools import lru_cache

from mptrace.attach.job import Job, inner_id
from mptrace.attach.seen import Look, SeenProcess, SeenThread
from mptrace.observe import procfs
from mptrace.observe.procfs import read_bytes

RETRIES = 5
"""How often a sleeping thread's system call is asked for again: for an instant after a wake-up /proc says only `running`."""

_SWITCHES = re.compile(rb"ctxt_switches:\s*(\d+)")
_LAST_RUN = re.compile(rb"se\.exec_start\s*:\s*([\d.]+)")


def look(job: Job) -> None:
    """Add one look to every thread of the living processes; threads that are new get their first."""
    for process in job.living:
        for tid in procfs.tids(process.pid):
            _look_at(process, tid)


def _look_at(process: SeenProcess, tid: int) -> None:
    path = f"/proc/{process.pid}/task/{tid}"
    status, stat = read_bytes(f"{path}/status"), procfs.stat(process.pid, tid)
    if stat is None:
        return
    thread = process.threads.get(tid)
    if thread is None:
        thread = process.threads[tid] = SeenThread(tid, inner_id(status, tid), since_ns=last_run_ns(process.pid, tid))
    switches = sum(int(number) for number in _SWITCHES.findall(status))
    wchan = read_bytes(f"{path}/wchan").decode("ascii", "replace")
    thread.looks.append(Look(stat.state, switches, stat.cpu_ticks, _syscall(path, stat.state), wchan))


def _syscall(path: str, state: str) -> str:
    for _ in range(RETRIES):
        said = read_bytes(f"{path}/syscall").decode("ascii", "replace").strip()
        if said != "running" or state == "R":
            return said
        time.sleep(0.002)
    return "running"


def last_run_ns(pid: int, tid: int) -> int:
    """Return when a thread last ran, CLOCK_MONOTONIC within about a tick (a zombie: its end); 0 where the kernel does not say."""
    found = _LAST_RUN.search(read_bytes(f"/proc/{pid}/task/{tid}/sched"))
    now_ns = time.monotonic_ns()
    return min(int(float(found[1]) * 1e6) + _ahead_ns(now_ns // 1_000_000_000), now_ns) if found else 0


@lru_cache(maxsize=1)
def _ahead_ns(_: int) -> int:
    """Return by how much CLOCK_MONOTONIC is ahead of the scheduler's clock: they run apart by seconds a day. We run just now."""
    found = _LAST_RUN.search(read_bytes(f"/proc/self/task/{threading.get_native_id()}/sched"))
    return time.monotonic_ns() - int(float(found[1]) * 1e6) if found else 0
