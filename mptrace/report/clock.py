"""How a report tells times: before now while the job hangs, by the wall clock in a post-mortem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mptrace.report import times

if TYPE_CHECKING:
    from mptrace.model.run import Meta, Run
    from mptrace.report.page import Page


@dataclass(frozen=True, slots=True)
class Clock:
    """``now_ns``: the instant that durations count up to; ``live``: times are written relative to it."""

    meta: Meta
    now_ns: int
    live: bool = False

    def tell(self, at_ns: int, page: Page) -> str:
        """Return ``-9.8`` or ``14:02:31.8``."""
        if self.live:
            return times.before(at_ns, self.now_ns)
        return page.clock(self.wall_ns(at_ns))

    def wall_ns(self, at_ns: int) -> int:
        """Return an instant of CLOCK_MONOTONIC as ns since the epoch."""
        return self.meta.start_wall_ns + at_ns - self.meta.start_ns

    def lasted_ns(self, since_ns: int) -> int:
        """Return how long before now something began."""
        return max(self.now_ns - since_ns, 0)


def clock_for(run: Run, moment: int | None, *, live: bool = False) -> Clock:
    """Return the clock of a finding that was seen at this moment (None: at the end of the recording)."""
    seen = next((look.at_ns for look in run.moments if look.number == moment), None) if moment is not None else None
    return Clock(run.meta, end_of(run) if seen is None else seen, live)


def end_of(run: Run) -> int:
    """Return the last instant that is known of (CLOCK_MONOTONIC ns)."""
    known = [run.meta.start_ns, *(moment.at_ns for moment in run.moments), run.events.last_ns or 0]
    known += [process.ended_ns for process in run.processes if process.ended_ns is not None]
    return run.meta.end_ns if run.meta.end_ns is not None else max(known)
