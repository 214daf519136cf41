"""Who waits for whom at one instant: edges to everybody that could end a wait, exact circles, and the closed group of the stuck.

A thread is *live* if it runs, sleeps, waits with a timeout, or waits for something outside the job; or if a live thread could
end its wait. The others are *stuck*: they can only be woken by each other. Circles of exact edges (a lock's recorded holder, a
joined process) come first, then the closed group.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mptrace.model.moment import Hold, Moment, Wait
from mptrace.model.process import Thread


@dataclass(slots=True, eq=False)
class Link:
    """One step of a circle: ``wait`` can only end when ``through`` acts, since it ``holds`` the lock or is the one joined."""

    wait: Wait
    through: Thread
    holds: Hold | None = None


@dataclass(slots=True, eq=False)
class WaitGraph:
    """The graph of one moment; built by `build_wait_graph`."""

    moment: Moment
    wakers: dict[Wait, set[Thread]] = field(default_factory=dict)
    """Every thread that could end a wait, as far as is known."""
    open_ended: dict[Wait, str] = field(default_factory=dict)
    """Waits that something outside the job, or something that was not seen, may end; and what that is."""
    exact: dict[Wait, Link] = field(default_factory=dict)
    """Waits that exactly one known thread can end."""
    live: dict[Thread, str] = field(default_factory=dict)
    """Live threads, and why each is."""
    stuck: set[Thread] = field(default_factory=set)

    def cycles(self) -> list[list[Link]]:
        """Return the circles of exact, untimed waits, each once, the longest-waiting member first."""
        raise NotImplementedError

    def is_still(self, threads: set[Thread]) -> bool:
        """Did none of them run between the two looks of the moment?"""
        return all(self.moment.still(thread) is True for thread in threads)
