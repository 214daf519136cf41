"""Bugs of CPython that a program's use of multiprocessing meets: versions, issue, and what in the run meets each. As of July 2026.

Only what a program meets by an unusual use stands here: what every program meets would be an alarm for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mptrace.diagnose.standstill import last_waits
from mptrace.model.event import Event
from mptrace.model.moment import Moment, Wait
from mptrace.model.process import Role
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import resource as family_of
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks
from mptrace.wire.wait import FUTURE, POOL_END

Version = tuple[int, int, int]

LastWaits = tuple[tuple[Wait, ...], int | None]

WAKE_UPS = 8_000
"""Submitted tasks beyond which the pipe that wakes up the executor's manager thread may be full (64 KiB, a few bytes each)."""


@dataclass(frozen=True, slots=True)
class KnownBug:
    """One bug. ``affected``: ranges of versions, from the first one with it to the first one without it."""

    issue: str
    says: str
    affected: tuple[tuple[Version, Version], ...]
    fix: str
    met: Callable[[Run], Iterator[Event]]
    because: str = ""
    """How the one thing led to the other, if it struck; ``{}`` is the executor."""
    struck: Callable[[Run, Event], LastWaits] = lambda _run, _event: ((), None)
    """Who waits for ever because of it, by what ``met`` yielded; and the number of the moment at which that was seen."""

    def is_in(self, version: Version) -> bool:
        """Does this version of Python have it?"""
        return any(first <= version < without for first, without in self.affected)


def _limits_tasks(run: Run) -> Iterator[Event]:
    """A ProcessPoolExecutor with max_tasks_per_child."""
    return (event for event in _executors(run) if event.number("max_tasks") > 0)


def _no_worker_left(run: Run, event: Event) -> LastWaits:
    """Somebody waits for a future of an executor all of whose workers have ended in order, and that starts none."""
    executor = run.resource(family_of.OBJECT, unsigned(event.number("pool")))
    if any(starved.number("pool") == event.number("pool") for starved in run.of(tasks.STARVED)):  # as attach reads it
        return last_waits(run, lambda wait: wait.call.kind == FUTURE and wait.call.target is executor, stuck=False)
    workers = [process for process in run.processes if process.role is Role.EXECUTOR_WORKER and process.pool is executor]
    ended = [process.ended_ns for process in workers if process.ended_ns is not None and process.exit and process.exit.clean]
    if executor is None or not workers or len(ended) < len(workers):
        return (), None
    waiting, moment = last_waits(run, lambda wait: wait.call.kind == FUTURE and wait.call.target is executor, stuck=False)
    seen = next((one for one in run.moments if one.number == moment and not one.final), None)
    return (waiting, moment) if seen is not None and max(ended) < seen.at_ns else ((), None)


def _joins_who_waits_for_it(run: Run) -> Iterator[Event]:
    """A ProcessPoolExecutor whose thread joins the feeder of its queue, which tells that a call could not be pickled."""
    joined = {executor for moment in run.moments for executor in _joining_it(moment)}
    return (event for event in _executors(run) if run.resource(family_of.OBJECT, unsigned(event.number("pool"))) in joined)


def _joining_it(moment: Moment) -> Iterator[Resource | None]:
    inside = {t: {site.function.rpartition(".")[2] for site in look.stack} for t, look in moment.looks.items() if look.still}
    telling = {thread.process for thread, names in inside.items() if "_on_queue_feeder_error" in names}
    for thread, names in inside.items():
        if thread.process in telling and {"_join_executor_internals", "join_thread"} <= names:
            yield thread.serves


def _all_of_it(run: Run, event: Event) -> LastWaits:
    """Everybody in this process who waits for a future, or for the end of the executor."""
    return last_waits(
        run, lambda wait: wait.thread.process is event.process and wait.call.kind in (FUTURE, POOL_END), stuck=False
    )


def _forks_on_demand(run: Run) -> Iterator[Event]:
    """A ProcessPoolExecutor that forks its workers and has more than one of them."""
    return (event for event in _executors(run) if event.text("start_method") == "fork" and event.number("workers") > 1)


def _submits_many(run: Run) -> Iterator[Event]:
    """An executor that is given so many tasks at once that its wake-up pipe can fill."""
    for event in _executors(run):
        given = [each for each in run.of(tasks.SUBMITTED) if each.number("pool") == event.number("pool")]
        if sum(max(each.number("tasks"), 1) for each in given) >= WAKE_UPS:
            yield event


def _executors(run: Run) -> Iterator[Event]:
    kinds = {resource.key: resource.kind for resource in run.resources}
    return (event for event in run.of(tasks.POOL) if kinds.get(unsigned(event.number("pool"))) == "ProcessPoolExecutor")


KNOWN_BUGS = (
    KnownBug(
        "gh-115634",
        "a ProcessPoolExecutor with max_tasks_per_child stops starting workers and hangs when one of them has reached its limit",
        (((3, 11, 0), (3, 13, 13)), ((3, 14, 0), (3, 14, 4))),
        "leave out max_tasks_per_child, or use multiprocessing.Pool(maxtasksperchild=...), at",
        _limits_tasks,
        "All workers of {} have ended, and it starts none for what is still to do.",
        _no_worker_left,
    ),
    KnownBug(
        "gh-125451",
        "a ProcessPoolExecutor deadlocks if it ends while a call that cannot be pickled is being told of",
        (((3, 12, 1), (3, 12, 8)), ((3, 13, 0), (3, 13, 1))),
        "hand it only what can be pickled, or use Python 3.12.8, 3.13.1 or later, at",
        _joins_who_waits_for_it,
        "The thread of {} joins the feeder of its queue while it holds a lock, and the feeder waits for that lock.",
        _all_of_it,
    ),
    KnownBug(
        "gh-90622",
        "a ProcessPoolExecutor forks workers when tasks are submitted, while its own threads hold locks, and can deadlock",
        (((3, 9, 0), (3, 9, 13)), ((3, 10, 0), (3, 10, 5))),
        "pass mp_context=multiprocessing.get_context('spawn'), or use Python 3.10.5 or later, at",
        _forks_on_demand,
    ),
    KnownBug(
        "gh-105829",
        "a ProcessPoolExecutor that is given many tasks at once deadlocks when the pipe that wakes up its thread is full",
        (((3, 9, 0), (3, 11, 6)), ((3, 12, 0), (3, 12, 1))),
        "submit the tasks in portions, or use Python 3.11.6, 3.12.1 or later, at",
        _submits_many,
    ),
)
"""One row a bug; each is tested on versions on both sides of its ranges."""
