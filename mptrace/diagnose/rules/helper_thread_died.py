"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import place_of, wants
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds
from mptrace.wire.event import unsigned
from mptrace.wire.events import failures, threads

SERVED = {
    "pool result handler": "the thread that hands out the results of {}",
    "pool task handler": "the thread that hands out the tasks of {}",
    "pool worker handler": "the thread that replaces the workers of {}",
    "queue feeder": "the thread that writes what is put on {}",
    "executor manager": "the thread that manages {}",
    "manager server": "a thread of the manager's server",
}


@rule(needs=("threads",), explains=(ANY_WAIT, "uncaught-exception"))
def helper_thread_died(run: Run) -> Iterator[Finding]:
    """A thread that the library runs for a pool, executor or queue died of an exception; nothing moves any more.

    Why it hangs:
        A Pool has a thread that hands out results, and runs callbacks in it. If that raises, the thread is gone: results pile
        up, and everybody who waits for one waits for ever. A KeyError in a callback is worse: the thread takes it for one of
        its own and says nothing, but the result that the callback was called for is never set.

    How we know:
        The thread's end and its exception were recorded; or the callback's KeyError.

    What to do:
        Catch exceptions inside callbacks and error callbacks; keep them short.
    """
    for event in run.of(threads.DIED):
        if event.text("role") in SERVED and event.process is not None:
            yield _finding(run, event)
    for event in run.of(failures.CALLBACK_FAILED):
        yield _swallowed(run, event)


def _swallowed(run: Run, event: Event) -> Finding:
    """A callback's KeyError: the thread lives, but one result never comes."""
    pool = _served(run, event, "pool")
    waiting, moment = last_waits(run, lambda wait: _is_for(wait, pool) and wait.call.detail in (0, event.number("job")))
    error, callback = _error(event), event.text("function")
    return Finding(
        title=f"the callback {callback}() raised {error}, which the pool swallows: that result never comes",
        steps=(
            Step(f"raised {error} in {callback}()", event.process, event.at_ns, event.site),
            *(wants(wait) for wait in waiting),
        ),
        why="A Pool takes a KeyError of a callback for a result that nobody knows: it prints nothing, and never sets the result.",
        fix="catch the KeyError inside the callback, at" if event.site else "catch the KeyError inside the callback",
        fix_at=event.site,
        lowered=None if waiting else Severity.WARNING,
        processes=tuple(dict.fromkeys(p for p in (event.process, *(wait.thread.process for wait in waiting)) if p)),
        resources=(pool,) if pool else (),
        places=tuple(_places(event, waiting)),
        evidence=(Evidence(event.ref, f"{who(event.process)}: {callback}() raised {error}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
        moment=moment,
    )


def _served(run: Run, event: Event, field: str) -> Resource | None:
    key = event.number(field)
    return next((resource for resource in run.resources if key and resource.key == unsigned(key)), None)


def _error(event: Event) -> str:
    return shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "))


def _finding(run: Run, event: Event) -> Finding:
    served = _served(run, event, "serves")
    waiting, moment = last_waits(run, lambda wait: _is_for(wait, served))
    error = shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "))
    thread = SERVED[event.text("role")].format(served.label if served else "a pool")
    where = f", raised in {event.site.function}()" if event.site and event.site.function else ""
    return Finding(
        title=f"{thread} died of {error}{where}",
        steps=(
            Step(f"raised {error} in that thread", event.process, event.at_ns, event.site),
            *(wants(wait) for wait in waiting),
        ),
        why="The library does not start such a thread again: nothing it was to do is done any more.",
        fix=_fix(event),
        fix_at=event.site,
        processes=tuple(dict.fromkeys(p for p in (event.process, *(wait.thread.process for wait in waiting)) if p)),
        resources=(served,) if served else (),
        places=tuple(_places(event, waiting)),
        evidence=(Evidence(event.ref, f"{who(event.process)}: {event.text('name')} died of {error}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
        moment=moment,
    )


def _fix(event: Event) -> str:
    if event.site is not None:
        return "catch exceptions inside the callback, at"
    if "rebuilt" in event.text("error"):  # as attach says, which did not see the exception
        return "have tasks return and raise what can be pickled and rebuilt (exception-loses-args); the traceback is on stderr"
    return "repair what raised in that thread"


def _is_for(wait: Wait, served: Resource | None) -> bool:
    about = (wait.call.target, wait.resource.outermost if wait.resource else None)
    return served in about if served else wait.call.kind in (kinds.RESULT, kinds.FUTURE, kinds.POOL_END)


def _places(event: Event, waiting: tuple[Wait, ...]) -> Iterator[Place]:
    if event.site is not None:
        yield Place("raised", event.site, event.process)
    yield from (Place("waiter", site, wait.thread.process) for wait in waiting if (site := place_of(wait)))
