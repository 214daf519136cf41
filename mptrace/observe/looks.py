"""One look at every thread of the job: its state, where it is in the kernel, how often it has run."""

from __future__ import annotations

from collections.abc import Iterable

from mptrace.observe import procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire.events import observations as seen

THREADS = 4000
"""Most threads of one look."""


def look(log: ObserverLog, moment: int, pids: Iterable[int]) -> None:
    """Write one THREAD event for each thread; two looks of the same moment tell whether it ran in between."""
    room = THREADS
    for pid in pids:
        tids = procfs.tids(pid)[:room]
        room -= len(tids)
        for tid in tids:
            _look_at(log, moment, pid, tid)
        if room <= 0:
            log.write(seen.NOT_SEEN, pid, "threads", f"more than {THREADS} threads")
            return


def _look_at(log: ObserverLog, moment: int, pid: int, tid: int) -> None:
    folder = f"/proc/{pid}/task/{tid}"
    stat = procfs.stat(pid, tid)
    if stat is None:
        return
    syscall = procfs.read_bytes(f"{folder}/syscall").decode("ascii", "replace").strip()
    wchan = procfs.read_bytes(f"{folder}/wchan").decode("ascii", "replace").strip()
    switches = _switches(procfs.read_bytes(f"{folder}/status"))
    log.write(seen.THREAD, moment, pid, tid, stat.state, switches, syscall, wchan, stat.cpu_ticks)


def _switches(status: bytes) -> int:
    lines = (line.split() for line in status.splitlines() if b"ctxt_switches" in line)
    return sum(int(words[1]) for words in lines)
