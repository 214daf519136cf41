"""Which processes have run since they were asked for last, by the kernel's clock of each: what has not run has changed nothing."""

from __future__ import annotations

import time
from collections.abc import Collection

_SCHEDULED = 2
"""In the number of a process's clock: the time that all of its threads were on a core, in nanoseconds (CPUCLOCK_SCHED)."""

AGAIN = 20
"""What rests is looked at all the same each time it was asked for so often: others can touch what belongs to it."""


def ran_ns(pid: int) -> int:
    """Return how long a process has run so far; -1 if that cannot be told, or it has ended. Half a microsecond, no file."""
    try:
        return time.clock_gettime_ns(~pid << 3 | _SCHEDULED)
    except (OSError, OverflowError):
        return -1


class Rest:
    """For one kind of look: remembers how long each process had run when it was asked for."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}

    def has_run(self, pid: int) -> bool:
        """Must it be looked at? To be asked before the look: a process that runs meanwhile is looked at next time, too."""
        now, (then, times) = ran_ns(pid), self._known.get(pid, (-1, 0))
        rests = now >= 0 and now == then and times < AGAIN
        self._known[pid] = now, times + 1 if rests else 0
        return not rests

    def ran_ns(self, pid: int) -> int:
        """Return how long it had run when it was asked for."""
        return self._known.get(pid, (-1, 0))[0]

    def forget(self, pid: int) -> None:
        """The process has ended."""
        self._known.pop(pid, None)


class RestOfAll:
    """The same for a whole job at once: most jobs that stand still do so as a whole, and are asked for several times a second."""

    def __init__(self) -> None:
        self._pids: list[int] = []
        self._ran: list[int] = []
        self._times = 0

    def have_run(self, pids: Collection[int]) -> bool:
        """Must they be looked at? Yes, if one has run, come or gone since they were asked for last."""
        members = list(pids)
        try:
            ran = [time.clock_gettime_ns(~pid << 3 | _SCHEDULED) for pid in members]
        except (OSError, OverflowError):
            self._ran = []
            return True
        self._times += 1
        rest = ran == self._ran and members == self._pids and self._times < AGAIN
        if not rest:
            self._pids, self._ran, self._times = members, ran, 0
        return not rest
