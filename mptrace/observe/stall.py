"""Since when has nothing moved anywhere in the job? A change on a board, a process that came or went, or CPU used."""

from __future__ import annotations

from collections.abc import Collection

from mptrace.observe import procfs
from mptrace.observe.boards import Boards

CPU_SHARE = 0.02
CPU_TICKS = 4
"""A job that used more than so many ticks and this share of one core since it last moved is moving."""


class Stillness:
    """To be told of every look at the job; times in seconds of CLOCK_MONOTONIC."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._checksums: dict[int, int] = {}
        self._pids: frozenset[int] = frozenset()
        self._ticks = -1

    def update(self, now: float, pids: Collection[int], boards: Boards) -> float:
        """Return for how many seconds nothing has moved."""
        members = frozenset(pids)
        if members != self._pids or boards.checksums != self._checksums:
            self._pids, self._checksums = members, boards.checksums
            self._since, self._ticks = now, -1
            return 0.0
        ticks = _cpu_ticks(pids)  # asked only while nothing else moves: it costs as much as all the boards
        allowed = CPU_TICKS + CPU_SHARE * (now - self._since) * procfs.CLOCK_TICKS
        if self._ticks < 0:
            self._ticks = ticks
        elif ticks - self._ticks > allowed:
            self._since, self._ticks = now, ticks
        return now - self._since


def _cpu_ticks(pids: Collection[int]) -> int:
    return sum(stat.cpu_ticks for pid in pids if (stat := procfs.stat(pid)) is not None)
