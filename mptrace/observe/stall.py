"""Since when has nothing moved anywhere in the job? A change on a board, a process that came or went, or CPU used."""

from __future__ import annotations

from collections.abc import Collection

from mptrace.observe import procfs
from mptrace.observe.boards import Boards

CPU_SHARE = 0.02
CPU_S = 0.04
"""A job that used more than so many seconds and this share of one core since it last moved is moving."""


class Stillness:
    """To be told of every look at the job; times in seconds of CLOCK_MONOTONIC."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._checksums: dict[int, int] = {}
        self._pids: frozenset[int] = frozenset()
        self._used = -1.0
        self._last: Boards | None = None
        self._boards_since = now

    def update(self, now: float, pids: Collection[int], boards: Boards) -> float:
        """Return for how many seconds nothing has moved."""
        members = frozenset(pids)
        if members != self._pids or boards.checksums != self._checksums:
            self._pids, self._checksums = members, boards.checksums
            self._since, self._used = now, -1.0
            self._boards_since = now
            return 0.0
        if boards is self._last:
            return now - self._since
        self._last = boards
        used = sum(_used_s(pid, boards.ran.get(pid, -1)) for pid in pids)
        if self._used < 0:
            self._used = used
        elif used - self._used > CPU_S + CPU_SHARE * (now - self._since):
            self._since, self._used = now, used
        return now - self._since

    def boards_still_s(self, now: float) -> float:
        """Return for how many seconds no board has changed and nobody has come or gone, whoever computed."""
        return now - self._boards_since


def _used_s(pid: int, ran_ns: int) -> float:
    """Return the CPU time of a process; where its clock cannot be read, by a file that costs as much as its board."""
    if ran_ns >= 0:
        return ran_ns / 1e9
    stat = procfs.stat(pid)
    return stat.cpu_ticks / procfs.CLOCK_TICKS if stat else 0.0
