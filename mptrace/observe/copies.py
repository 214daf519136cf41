"""How much of the memory that a large forked process shares with its parent it has got a copy of by writing to it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mptrace.observe import procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire.events import observations as seen

LARGE = 64 << 20
"""Smaller processes are not looked at."""

FIRST_S, LATER = 0.7, 1.5
"""When a process is first looked at, and how much later each next time."""

A_ROUND = 4
COST = 100
"""The kernel walks through all of its pages: a look that took a millisecond is followed by so many without."""


class Copies:
    """Knows when to look at which process again."""

    def __init__(self, log: ObserverLog) -> None:
        self._log = log
        self._due: dict[int, tuple[float, float]] = {}  # pid -> when, since when it is known
        self._is_fork: dict[int, bool] = {}

    def sample(self, pids: Sequence[int]) -> None:
        """Look at those that are due."""
        now, left, members = time.monotonic(), A_ROUND, set(pids)
        for pid in pids:
            due, known = self._due.setdefault(pid, (now + FIRST_S, now))
            if now < due or not left:
                continue
            began = time.thread_time()
            if self._is_worth_it(pid, members):
                left -= 1
                self._look(pid)
            took = time.thread_time() - began
            self._due[pid] = now + max(FIRST_S, (now - known) * (LATER - 1), COST * took), known

    def _is_worth_it(self, pid: int, members: set[int]) -> bool:
        """Is it large, and forked from another process of the job (which has the same command line)?"""
        if pid not in self._is_fork:
            stat = procfs.stat(pid)
            parent = stat.ppid if stat else 0
            self._is_fork[pid] = parent in members and procfs.command(pid) == procfs.command(parent)
        return self._is_fork[pid] and procfs.resident(pid) >= LARGE

    def _look(self, pid: int) -> None:
        sizes = rollup(pid)
        if sizes:
            shared = sizes.get("Shared_Dirty", 0) + sizes.get("Shared_Clean", 0)
            self._log.write(seen.COPIED, pid, sizes.get("Rss", 0), sizes.get("Private_Dirty", 0), shared)

    def forget(self, pid: int) -> None:
        """The process has ended."""
        self._due.pop(pid, None)
        self._is_fork.pop(pid, None)


def rollup(pid: int) -> dict[str, int]:
    """Return the sizes of /proc/PID/smaps_rollup in bytes; empty where it cannot be read."""
    found = {}
    for line in procfs.read_bytes(f"/proc/{pid}/smaps_rollup").decode("ascii", "replace").splitlines():
        words = line.split()
        if len(words) == 3 and words[1].isdigit() and words[2] == "kB":
            found[words[0].rstrip(":")] = int(words[1]) << 10
    return found
