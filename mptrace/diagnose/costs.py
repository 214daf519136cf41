"""What a run cost: time, CPU time and work of its processes and pools, as rules about costs ask for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from mptrace.model.event import Event
from mptrace.model.process import Past, Process, Role
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.event import Kind, unsigned
from mptrace.wire.events import observations, tasks

POOLS = frozenset(("Pool", "ProcessPoolExecutor"))


@dataclass(frozen=True, slots=True)
class Effort:
    """CPU time of a process, how long its main thread waited for a core (None: not known), the most threads it had, and how many
    of them ran or would have, on average while it was busy."""

    cpu_ns: int
    delay_ns: int | None
    threads: int
    runnable: float
    ref: str


def end_ns(run: Run) -> int:
    """Return when the run ended, or the last thing that is known of it happened."""
    return run.meta.end_ns or run.events.last_ns or run.meta.start_ns


def lived_ns(run: Run, process: Process) -> int:
    """Return how long a process lived."""
    return max((process.ended_ns or end_ns(run)) - process.started_ns, 1)


def last_seen(run: Run, process: Process, kind: Kind) -> Event | None:
    """Return the last that the observer told of a process."""
    own = [event for event in run.of(kind) if event.number("pid") == process.pid and event.at_ns >= process.started_ns]
    return own[-1] if own and run.process(process.pid, own[-1].at_ns) is process else None


def effort_of(run: Run, process: Process) -> Effort | None:
    """Return what a process worked; None if nobody looked, or it was too little to be told."""
    event = last_seen(run, process, observations.EFFORT)
    if event is None:
        return None
    rounds = event.number("rounds")
    mean = event.number("runnable") / rounds if rounds else 0.0
    delay = event.number("delay_ms") * 1_000_000
    return Effort(event.number("cpu_ms") * 1_000_000, delay if delay >= 0 else None, event.number("threads"), mean, event.ref)


@dataclass(frozen=True)
class Work:
    """What the workers of one pool or executor did."""

    run: Run
    pool: Resource

    @cached_property
    def workers(self) -> tuple[Process, ...]:
        """Its workers, all that there ever were."""
        return tuple(process for process in self.run.processes if process.pool is self.pool)

    @cached_property
    def messages(self) -> int:
        """How many tasks (or chunks of them) the workers took from the pool's queue, without the word that ends each of them."""
        queue = self.pool.parts.get("_inqueue") or self.pool.parts.get("_call_queue")
        pipe = queue.parts.get("_reader") if queue else None
        taken = sum(tally.received for worker in self.workers for tally in worker.tallies if tally.resource is pipe)
        return max(taken - sum(worker.orderly for worker in self.workers), 0)

    @cached_property
    def busy_ns(self) -> int:
        """How long they ran tasks, in all."""
        return sum(worker.busy_ns for worker in self.workers)

    @cached_property
    def handed_in(self) -> list[Event]:
        """The calls that handed in tasks, as far as each was told."""
        return [event for event in self.run.of(tasks.SUBMITTED) if unsigned(event.number("pool")) == self.pool.key]

    @cached_property
    def main_call(self) -> Event | None:
        """One of the calls on the line that handed in most."""
        lines = Counter(event.site for event in self.handed_in if event.site is not None)
        most = max(lines, key=lambda site: lines[site], default=None)
        return next((event for event in self.handed_in if event.site is not None and event.site == most), None)

    @property
    def site(self) -> Site | None:
        """The line that handed in most, or that made the pool."""
        return self.main_call.site if self.main_call else self.pool.created_at

    def tasks_of(self, worker: Process) -> list[Past]:
        """The last tasks of a worker that took a while and have ended, by time."""
        return [past for past in worker.past if past.kind == 0 and past.since_ns is not None and past.resource is self.pool]


def works_of(run: Run) -> list[Work]:
    """Return the work of each pool and executor that had workers."""
    made = [Work(run, resource) for resource in run.resources if resource.kind in POOLS]
    return [work for work in made if work.workers]


def is_worker(process: Process) -> bool:
    """Is it a worker of a pool or executor?"""
    return process.role in (Role.WORKER, Role.EXECUTOR_WORKER)
