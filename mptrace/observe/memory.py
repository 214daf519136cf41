"""Samples of the memory of the job's processes, written only when they say something new."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mptrace.observe import procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.rest import Rest
from mptrace.wire.events import observations as seen

EVERY_S = 0.5
PROCESSES_A_ROUND = 64
CHANGE = 0.05
"""A sample is written if it differs by this part and by `CHANGE_BYTES` from the one that was written last."""
CHANGE_BYTES = 2 << 20
FILES_EVERY = 4  # rounds: listing descriptors costs more than reading a number

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Memory:
    """Samples at most `PROCESSES_A_ROUND` processes at a time, the next ones in the next round."""

    def __init__(self, log: ObserverLog) -> None:
        self._log = log
        self._round = 0
        self._written: dict[int, tuple[int, int]] = {}
        self._sizes, self._files = Rest(), Rest()

    def sample(self, pids: Sequence[int]) -> None:
        """Look at the processes once; to be called every `EVERY_S` seconds."""
        first = self._round * PROCESSES_A_ROUND % max(len(pids), 1)
        chosen = [*pids[first:], *pids[:first]][:PROCESSES_A_ROUND]
        self._round += 1
        shm_free, count = _shm_free(), self._round % FILES_EVERY == 1
        for pid in chosen:
            files = count and self._files.has_run(pid)
            if files or self._sizes.has_run(pid):
                self._sample_one(pid, shm_free, count=files)

    def _sample_one(self, pid: int, shm_free: int, *, count: bool) -> None:
        fields = procfs.read_bytes(f"/proc/{pid}/statm").split()
        if len(fields) < 2:
            return
        rss, (last_rss, files) = int(fields[1]) * _PAGE, self._written.get(pid, (0, -1))
        now_files = _count_files(pid) if count or files < 0 else files
        changed = abs(rss - last_rss) > max(CHANGE * last_rss, CHANGE_BYTES)
        if changed or abs(now_files - files) > 4 + files // 8:
            self._written[pid] = (rss, now_files)
            self._log.write(seen.MEMORY, pid, rss, shm_free, now_files)

    def note_shm(self, pid: int, seen_from: int) -> None:
        """The process died of what a lack of shared memory may have caused: say what is left of it, as another one sees it."""
        self._log.write(seen.MEMORY, pid, 0, _shm_free(f"/proc/{seen_from}/root"), -1)

    def forget(self, pid: int) -> None:
        """The process has ended."""
        self._written.pop(pid, None)
        self._sizes.forget(pid)
        self._files.forget(pid)


def _count_files(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return -1


def _shm_free(root: str = "") -> int:
    try:
        found = os.statvfs(f"{root}/dev/shm")  # noqa: S108 - where POSIX shared memory lives
    except OSError:
        return -1
    return found.f_bavail * found.f_frsize
