"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import place_of, wants
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire import wait as kinds
from mptrace.wire.event import unsigned
from mptrace.wire.events import failures, tasks, threads


@rule(
    needs=("pool", "executor"),
    explains=(ANY_WAIT, "helper-thread-died", "executor-broken", "unpickle-failed", "uncaught-exception", "killed-by-signal"),
)
def exception_loses_args(run: Run) -> Iterator[Finding]:
    """A task raised an exception that cannot be rebuilt in the process that waits for its result.

    Why it hangs:
        An exception travels as its class and its `args`, and is rebuilt by calling the class with them. A class whose
        `__init__` wants other arguments than it hands on to `super().__init__()` raises a TypeError there. In a Pool that
        kills the thread that reads all results; an executor is broken by it.

    How we know:
        The exception was raised by a task and sent, and its class does not accept its args.

    What to do:
        Hand all arguments on to `super().__init__()`, or define `__reduce__`.
    """
    told: set[tuple[str, int]] = set()
    for event in run.of(failures.NOT_REBUILDABLE):
        if event.process is not None and (event.text("error"), event.number("pool")) not in told:
            told.add((event.text("error"), event.number("pool")))
            yield _finding(run, event)


def _finding(run: Run, event: Event) -> Finding:
    error, pool = event.text("error"), _pool(run, event)
    raised, defined = _raised_at(run, event), Site(event.text("defined_file"), event.number("defined_line"), error)
    waiting, moment = last_waits(run, lambda wait: _is_for(wait, pool))
    died = next((other for other in run.of(threads.DIED, failures.UNPICKLE_FAILED) if other.at_ns >= event.at_ns), None)
    return Finding(
        title=f"{error}, raised by {event.text('function') or 'a task'}(), cannot be rebuilt in the process that waits for it",
        steps=(
            Step(f"raised {shortened(error + ': ' + event.text('message'))}", event.process, event.at_ns, raised),
            *((Step("could not rebuild it, and reads no more results", died.process, died.at_ns),) if died else ()),
            *(wants(wait) for wait in waiting),
        ),
        why=f"It is rebuilt as {error}(*args): {event.text('why')}. The TypeError ends the thread that hands out all results.",
        fix=f"hand every argument of {error}.__init__ on to super().__init__(), or give it a __reduce__, at",
        fix_at=defined if defined.file else raised,
        processes=tuple(dict.fromkeys(p for p in (event.process, *(wait.thread.process for wait in waiting)) if p)),
        resources=(pool,) if pool else (),
        places=tuple(_places(event, raised, defined, waiting)),
        evidence=(Evidence(event.ref, f"{who(event.process)} sent {error}, which its class cannot rebuild"),),
        at_ns=event.at_ns,
        moment=moment,
    )


def _pool(run: Run, event: Event) -> Resource | None:
    if event.process is not None and event.process.pool is not None:
        return event.process.pool
    return next((resource for resource in run.resources if resource.key == unsigned(event.number("pool"))), None)


def _raised_at(run: Run, event: Event) -> Site | None:
    """The task's failure was recorded just before, with its line."""
    same = [e for e in run.of(tasks.FAILED) if e.process is event.process and e.number("job") == event.number("job")]
    return next((e.site for e in reversed(same) if e.text("error") == event.text("error")), event.site)


def _is_for(wait: Wait, pool: Resource | None) -> bool:
    return wait.call.kind in (kinds.RESULT, kinds.POOL_END, kinds.FUTURE) and (pool is None or wait.call.target is pool)


def _places(event: Event, raised: Site | None, defined: Site, waiting: tuple[Wait, ...]) -> Iterator[Place]:
    if raised is not None:
        yield Place("raised", raised, event.process)
    yield from (Place("waiter", site, wait.thread.process) for wait in waiting if (site := place_of(wait)))
    if defined.file:
        yield Place("definition", defined, event.process)
