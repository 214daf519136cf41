"""Connections that several processes used at the same time, since a fork left the same one in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from mptrace.diagnose.deaths import ancestors, events_of
from mptrace.diagnose.finding import Evidence, Severity, Step, Verdict
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.wording import who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.process import Past, Process
from mptrace.model.run import Run
from mptrace.wire import wait
from mptrace.wire.events import failures, processes, resources

SPOKEN = {wait.RECV: "receives", wait.SEND: "sends"}


@dataclass(frozen=True, slots=True)
class Sharing:
    """One connection and the first use that each process made of it after the fork; ``way``: wait.RECV or wait.SEND."""

    key: int
    way: int
    uses: tuple[Event, ...]

    @property
    def users(self) -> tuple[Process, ...]:
        """The processes that used it."""
        return tuple(dict.fromkeys(event.process for event in self.uses if event.process))

    @property
    def verdict(self) -> Verdict:
        """Replies surely get mixed up only where several receive; what several send may still arrive whole."""
        return Verdict.LIKELY if self.way == wait.RECV else Verdict.POSSIBLE

    def steps(self, what: str) -> tuple[Step, ...]:
        """Return a line for each user."""
        return tuple(Step(f"{SPOKEN[self.way]} through {what}", e.process, e.at_ns, e.site) for e in self.uses[:6])

    def evidence(self, what: str) -> tuple[Evidence, ...]:
        """Return the uses."""
        return tuple(Evidence(e.ref, f"{who(e.process)} {SPOKEN[self.way]} through {what}") for e in self.uses)


def shared_connections(run: Run, *, manager: bool) -> Iterator[Sharing]:
    """Yield what was shared: connections to a manager's server, or of the program's own; of two ways the worse one."""
    found: dict[int, dict[int, list[Event]]] = {}
    for event in run.of(resources.USED_AFTER_FORK):
        if event.process is not None and bool(event.number("manager")) is manager:
            found.setdefault(event.number("key"), {}).setdefault(event.number("way"), []).append(event)
    for key, ways in found.items():
        told = [Sharing(key, way, _together(run, ways.get(way, []))) for way in (wait.RECV, wait.SEND)]
        if not manager and not _is_concurrent(run, told[0], ways.get(wait.SEND, [])):
            told.pop(0)  # each was done before the other began: they take turns
        yield from [one for one in told if len(one.users) > 1][:1]


def _together(run: Run, uses: list[Event]) -> tuple[Event, ...]:
    """Return the uses by processes that had the connection from one fork, used it while another did, and held no lock then."""
    last = {event.process: event for event in uses}
    kept = [one for one in last.values() if any(at_the_same_time(run, one, other) for other in last.values() if other is not one)]
    return () if all(event.number("guarded") for event in kept) else tuple(sorted(kept, key=lambda event: event.at_ns))


def shared_handles(run: Run) -> Iterator[Sharing]:
    """Yield the open files and sockets that several processes read through."""
    found: dict[int, list[Event]] = {}
    for event in run.of(resources.HANDLE_USED):
        if event.process is not None:
            found.setdefault(event.number("key"), []).append(event)
    for key, events in found.items():
        sharing = Sharing(key, wait.RECV, _together(run, events))
        if len(sharing.users) > 1:
            yield sharing


def _is_concurrent(run: Run, sharing: Sharing, sent: list[Event]) -> bool:
    """Did one of them begin its exchange, or wait for a message, before another had its own, or did something come of it?"""
    spans = [_span(event, sent) for event in sharing.uses]
    overlap = any(max(a[0], b[0]) <= min(a[1], b[1]) for a, b in combinations(spans, 2))
    return overlap or bool(sharing.uses and (stuck_in(run, sharing)[1] is not None or failures_of(run, sharing)))


def _span(event: Event, sent: list[Event]) -> tuple[int, int]:
    """Return from when to when a process was at it: since it first sent a question, until its first long wait was over."""
    assert event.process is not None
    asked = [other.at_ns for other in sent if other.process is event.process and other.at_ns < event.at_ns]
    waited = [
        past.at_ns
        for past in event.process.past
        if past.kind == wait.RECV and past.resource and past.resource.key == event.number("key") and _began(past) <= event.at_ns
    ]
    return min(asked, default=event.at_ns), max(event.at_ns, min((at for at in waited if at >= event.at_ns), default=0))


def _began(past: Past) -> int:
    return past.since_ns or 0


def at_the_same_time(run: Run, one: Event, other: Event) -> bool:
    """Were two processes of one family at work when each had done what its event tells?"""
    first, second = one.process, other.process
    if first is None or second is None or not {first, *ancestors(first)} & {second, *ancestors(second)}:
        return False
    return max(one.at_ns, other.at_ns) <= min(_done_ns(run, first), _done_ns(run, second))


def _done_ns(run: Run, process: Process) -> int:
    """Return when a process was done with its work, by its own record: its end is seen a little later than it is."""
    said = [event.at_ns for event in events_of(run, process, processes.EXITING, processes.RETURNED, processes.HARD_EXIT)]
    ends = [*said, *([process.ended_ns] if process.ended_ns is not None else [])]
    return min(ends, default=run.meta.end_ns or run.events.last_ns or 0)


def loudness(*, failed: bool) -> Severity | None:
    """Return None (an error) if something came of it, else a hint: they may take turns in a way that is not seen."""
    return None if failed else Severity.HINT


def stuck_in(run: Run, sharing: Sharing) -> tuple[tuple[Wait, ...], int | None]:
    """Return the waits for an answer through it, as seen last, and the number of that moment, if they could not go on."""
    return last_waits(run, lambda one: one.kind == wait.RECV and one.resource is not None and one.resource.key == sharing.key)


def failures_of(run: Run, sharing: Sharing) -> list[Event]:
    """Return what its users died of, or could not rebuild, since several used it."""
    since = max(event.at_ns for event in sharing.uses[:2])
    told = run.of(failures.UNCAUGHT, failures.UNPICKLE_FAILED)
    return [event for event in told if event.process in sharing.users and event.at_ns > since and _is_garbled(event)]


def _is_garbled(event: Event) -> bool:
    """Is it an error that a stream of bytes leads to when its parts are read by others?"""
    return event.kind is failures.UNPICKLE_FAILED or event.text("error") in GARBLED


GARBLED = (
    "EOFError",
    "OSError",
    "ConnectionResetError",
    "BrokenPipeError",
    "UnpicklingError",
    "pickle.UnpicklingError",
    "MemoryError",
)


def fork_of(run: Run, sharing: Sharing) -> Event | None:
    """Return the last os.fork() of the program's own before the first use on both sides."""
    first = max(event.at_ns for event in sharing.uses[:2])
    forks = [event for event in run.of(processes.FORKED) if event.at_ns <= first and event.site and event.process]
    family = {one for user in sharing.users for one in (user, *ancestors(user))}
    return next((event for event in reversed(forks) if event.process in family), None)
