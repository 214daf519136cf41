"""What a forked child lacks: the threads of its parent, and where each of them was at the fork."""

from __future__ import annotations

from dataclasses import dataclass

from mptrace.diagnose.deaths import events_of, is_library
from mptrace.diagnose.finding import Evidence
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import processes


@dataclass(frozen=True, slots=True)
class LostThread:
    """A thread that the parent had at the fork; ``stack``: where it was, innermost first, empty if that was not looked at.

    ``name``: "" of a thread that is none of Python's.
    """

    name: str
    tid: int
    stack: tuple[Site, ...]
    ref: str
    at_ns: int

    @property
    def site(self) -> Site | None:
        """The line of the program that it was at."""
        return next((site for site in self.stack if not is_library(site.file)), None)

    @property
    def whereabouts(self) -> str:
        """Return ``is in fill()``, ``runs``: what it did at the fork."""
        return f"is in {self.site.function}()" if self.site and self.site.function not in ("", "<module>") else "runs"

    def evidence(self) -> Evidence:
        """Return what was seen of it."""
        return Evidence(
            self.ref, f"the thread {self.name} ran in the parent at the fork{f', at {self.site}' if self.site else ''}"
        )


def lost_python_threads(run: Run, process: Process) -> list[LostThread]:
    """Return those of them that ran Python."""
    return [thread for thread in lost_threads(run, process) if thread.name]


def lost_threads(run: Run, process: Process) -> list[LostThread]:
    """Return the threads that a process lost by being forked, as far as they were told."""
    seen = {event.number("thread"): event for event in events_of(run, process, processes.FORK_THREAD)}
    found = []
    for event in events_of(run, process, processes.FORK_THREADS):
        for line in event.text("threads").splitlines():
            tid, _, name = line.partition(" ")
            place = seen.get(int(tid) if tid.isdecimal() else -1)
            found.append(
                LostThread(
                    name, int(tid) if tid.isdecimal() else 0, place.stack if place else (), (place or event).ref, event.at_ns
                )
            )
    return found
