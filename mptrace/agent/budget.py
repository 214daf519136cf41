"""How many events of one sort may be logged: a burst, then so many a second, so that a hot loop cannot fill the log."""

from __future__ import annotations

from os import environ
from time import monotonic_ns


def _slower() -> int:
    """Return how many times slower than usual this process runs: under valgrind (make bench) about 50, and all is hot."""
    text = environ.get("_MPTRACE_SLOWER", "")
    return int(text) if text.isdigit() and len(text) < 4 else 1


SLOWER = _slower()


class Budget:
    """``burst`` events at once, refilled at ``per_s`` a second. A fork copies it; two threads that race cost one event."""

    __slots__ = ("again_ns", "at_ns", "burst", "left", "per_s")

    def __init__(self, burst: int, per_s: float) -> None:
        self.burst, self.per_s = burst, per_s / max(SLOWER, 1)
        self.left, self.at_ns, self.again_ns = float(burst), 0, 0

    def spend(self) -> bool:
        """Take one, if there is one."""
        if self.left < 1:
            now = monotonic_ns()
            if now < self.again_ns:  # asked for every call of a hot loop: next to nothing until there is one again
                return False
            self.left = min(float(self.burst), self.left + (now - self.at_ns) * self.per_s / 1e9) if self.at_ns else self.left
            self.at_ns = now
            if self.left < 1:
                self.again_ns = now + int((1 - self.left) / self.per_s * 1e9) if self.per_s else now
                return False
        self.left -= 1
        return True
