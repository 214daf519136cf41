"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Step, Verdict
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import place_of, wants
from mptrace.diagnose.respawns import failed_workers, fails_at_once, how
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.wording import counted, shortened, who
from mptrace.model.event import Event
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks


@rule(
    needs=("pool", "executor"), explains=(ANY_WAIT, "uncaught-exception", "worker-respawn-loop", "executor-broken", "hard-exit")
)
def initializer_failed(run: Run) -> Iterator[Finding]:
    """The initializer of a pool raises, so that no worker ever begins to work.

    Why it hangs:
        A worker whose initializer raises ends. A Pool starts another one in its place, which ends in the same way, and so on;
        whoever waits for a result waits for ever. An executor breaks instead.

    How we know:
        The exception was recorded in each worker, before its first task. From outside, it is likely: one worker after the other
        failed, and none of them took the task that is first in the pool's queue.

    What to do:
        Repair the line that raised; run the initializer once in the parent while testing.
    """
    failed: dict[int, list[Event]] = {}
    for event in run.of(tasks.INITIALIZER_FAILED):
        failed.setdefault(unsigned(event.number("pool")), []).append(event)
    for key, events in failed.items():
        yield _finding(run, key, events)
    for key, events in failed_workers(run).items():
        if key not in failed and fails_at_once(run, key):
            yield _guess(run, key, events)


def _guess(run: Run, key: int, events: list[Event]) -> Finding:
    """What the ends of workers say alone: they do not come to their first task."""
    pool = next((resource for resource in run.resources if resource.key == key), None)
    waiting, moment = last_waits(run, lambda wait: wait.call.target is pool and pool is not None, stuck=False)
    label = pool.label if pool else "a pool"
    return Finding(
        title=f"the initializer {_initializer(run, key)}() of {label} probably raises: every worker ends{how(events)} "
        "before its first task",
        verdict=Verdict.LIKELY,
        steps=(
            *(Step(f"{event.text('name') or 'a worker'} ended{how([event])}", None, event.at_ns) for event in events[:3]),
            *(wants(wait) for wait in waiting),
        ),
        why=f"{counted(len(events), 'worker')} ended while the pool was watched, and the task that is first in its queue stayed there.",
        fix=f"run {_initializer(run, key)}() once in the parent to see what it raises; the workers write it to stderr",
        processes=tuple(dict.fromkeys(wait.thread.process for wait in waiting)),
        resources=(pool,) if pool else (),
        places=tuple(Place("waiter", site, wait.thread.process) for wait in waiting if (site := place_of(wait))),
        evidence=tuple(Evidence(one.ref, f"{one.text('name') or 'a worker'} ended{how([one])}") for one in events),
        at_ns=events[0].at_ns,
        moment=moment,
    )


def _initializer(run: Run, key: int) -> str:
    made = next((one for one in run.of(tasks.POOL) if unsigned(one.number("pool")) == key), None)
    return made.text("initializer") if made else ""


def _why(count: int, pool: Resource | None) -> str:
    ended = f"{counted(count, 'worker')} ended of it"
    if pool is not None and pool.kind == "ProcessPoolExecutor":
        return f"{ended}; an executor breaks then, and every future that it still has gets BrokenProcessPool."
    return f"{ended} so far; a Pool starts new ones for ever, and none of them takes a task."


def _finding(run: Run, key: int, events: list[Event]) -> Finding:
    event, pool = events[0], next((resource for resource in run.resources if resource.key == key), None)
    waiting, moment = last_waits(run, lambda wait: wait.call.target is pool and pool is not None, stuck=False)
    error = shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "))
    name = _initializer(run, key)
    return Finding(
        title=f"the initializer{' ' + name + '()' if name else ''} of {pool.label if pool else 'a pool'} raises {error} in every worker",
        steps=(
            *(Step(f"raised {error} before its first task", one.process, one.at_ns, one.site) for one in events[:3]),
            *(wants(wait) for wait in waiting),
        ),
        why=_why(len(events), pool),
        fix="repair the line that raised, at",
        fix_at=event.site,
        processes=tuple(
            dict.fromkeys(p for p in [*(one.process for one in events), *(wait.thread.process for wait in waiting)] if p)
        ),
        resources=(pool,) if pool else (),
        places=(
            *((Place("raised", event.site, event.process),) if event.site else ()),
            *(Place("waiter", site, wait.thread.process) for wait in waiting if (site := place_of(wait))),
        ),
        evidence=tuple(Evidence(one.ref, f"{who(one.process)}: its initializer raised {error}") for one in events),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
        moment=moment,
    )
