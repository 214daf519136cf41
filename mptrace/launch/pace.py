"""When to look at a set of waits: at once if it looks like a deadlock, else within our share of a core; again at growing intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SHARE = 20
"""A look that took one second is followed by nineteen without: at most a twentieth of a core."""

AGAIN_S = (0.8, 3.0, 10.0, 60.0, 600.0)
"""A set of waits that was not proven to be a deadlock is looked at again so long after its last look."""

MOMENTS = 40
SPARED = 15
"""So many of the moments are kept back for what is urgent."""

BYTES = 256 << 20


Ran = Mapping[int, int] | None
"""How long each process had run; None where that cannot be told of all."""


@dataclass(slots=True)
class Look:
    """How often a set of waits was looked at, when last, and how long each process had run when that look began.

    ``whole``: it saw everything that it was to see.
    """

    times: int = 0
    last: float = 0.0
    ran: Ran = None
    whole: bool = False


@dataclass(slots=True)
class Pace:
    """Times in seconds of CLOCK_MONOTONIC."""

    looks: dict[object, Look] = field(default_factory=dict)
    free_at: float = 0.0
    taken: int = 0
    settled: set[object] = field(default_factory=set)

    def is_due(self, waits: object, now: float, urgent: bool, ran: Ran = None) -> bool:
        """May this set of waits be looked at now? Not again, if nobody has run since a look began that saw all, or a second one.

        Such a job stands still as a whole, and is looked at once more when it has done so for the seconds of a stall.
        """
        if waits in self.settled or self.taken >= MOMENTS - (0 if urgent else SPARED):
            return False
        seen = self.looks.get(waits)
        if seen is None:
            return urgent or now >= self.free_at
        rests = (seen.whole or seen.times > 1) and ran is not None and ran == seen.ran
        if rests or seen.times > len(AGAIN_S):
            return False
        return now >= self.free_at and now - seen.last >= AGAIN_S[seen.times - 1]

    def was_seen(self, waits: object, ended: float, took: float, ran: Ran = None, *, whole: bool = False) -> None:
        """A look at it ended at that time and took so long."""
        seen = self.looks.setdefault(waits, Look())
        seen.times, seen.last, seen.ran, seen.whole = seen.times + 1, ended, ran, whole
        self.taken += 1
        self.free_at = ended + took * (SHARE - 1)
        while len(self.looks) > 200:
            del self.looks[next(iter(self.looks))]

    def settle(self, waits: object) -> None:
        """It was explained: no need to look again."""
        self.settled.add(waits)
