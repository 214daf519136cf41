"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, told_of
from mptrace.diagnose.finding import Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import standstills
from mptrace.diagnose.wording import listed, who
from mptrace.model.event import Event
from mptrace.model.moment import Hold
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire.events import processes

LONGER_NS = 200_000_000
"""Who lives so much longer than the process that was ended may still come to need the lock."""


@rule(severity=Severity.WARNING, needs=("semlock", "process"))
def unsafe_terminate(run: Run) -> Iterator[Finding]:
    """A process was ended by terminate() or kill() while it held a lock, or sat inside a queue's get() or put().

    Why it is dangerous:
        The lock stays taken for ever. A process that waits in get() holds the queue's lock for reading all the while, one that
        writes holds the one for writing: whoever needs it next waits without end.

    How we know:
        The process's record says what it held when the signal ended it. It is only a hint if no other process than the one that
        sent the signal lived on that has the lock.

    What to do:
        Ask the process to end (a sentinel on its queue, an Event) and join it. After a terminate(), make anew what it may have
        been using.
    """
    for process in run.processes:
        event = _sent(run, process)
        holds = [hold for hold in process.held if _matters(hold.resource)] if event else []
        if event and holds and not _struck(run, holds):
            yield _finding(run, process, event, holds)


def _sent(run: Run, process: Process) -> Event | None:
    """Return the program's own call that sent the signal which ended it."""
    if process.exit is None or process.exit.signal is None:
        return None
    sent = [event for event in told_of(run, process, processes.SIGNALLED) if event.number("signal") == process.exit.signal]
    own = [event for event in sent if event.text("call").startswith(("Process.", "os.")) and event.site]
    return own[-1] if own else None


def _matters(lock: Resource) -> bool:
    """Is it the program's own lock, or one of a queue that the program made? A pool that ends its workers is dropped whole."""
    return lock.outermost.kind not in ("Pool", "ThreadPool", "ProcessPoolExecutor", "") and lock.outermost.created_at is not None


def _struck(run: Run, holds: list[Hold]) -> bool:
    """Did somebody wait for it without end? Then that is the finding."""
    lost = {hold.resource for standstill in standstills(run) for _, hold in standstill.orphaned_locks()}
    return any(hold.resource in lost for hold in holds)


def _finding(run: Run, process: Process, event: Event, holds: list[Hold]) -> Finding:
    names = listed(_held(hold.resource) for hold in holds)
    call = event.text("call").rpartition(".")[2]
    needed = any(_is_left(run, process, event, hold.resource) for hold in holds)
    shared = tuple(dict.fromkeys(hold.resource.outermost for hold in holds))
    return Finding(
        title=f"{who(event.process)} ended {who(process)} by {call}() {names}: its lock stays taken",
        verdict=Verdict.POSSIBLE,
        steps=(Step(f"ends {who(process)} by {call}()", event.process, event.at_ns, event.site),),
        why=f"Nobody will release it; whoever needs it next waits for ever. {'Nobody did' if not needed else 'Nobody has had to'} this time.",
        fix=f"tell {who(process)} to stop (a sentinel, an Event) and join it, instead of ending it at",
        fix_at=event.site,
        processes=tuple(dict.fromkeys(each for each in (process, event.process) if each)),
        resources=shared,
        places=tuple(_places(process, event, holds)),
        evidence=tuple(death_evidence(run, process)),
        at_ns=event.at_ns,
        lowered=None if needed else Severity.HINT,
    )


def _held(lock: Resource) -> str:
    if lock.owner is None:
        return f"while it held {lock.label}"
    return f"in the middle of {'get()' if lock.role == '_rlock' else 'put()' if lock.role == '_wlock' else 'a call'} of {lock.outermost.label}"


def _is_left(run: Run, process: Process, event: Event, lock: Resource) -> bool:
    """Did another process than the sender live on that has the lock?"""
    end = (process.ended_ns or event.at_ns) + LONGER_NS
    others = [
        other
        for other in run.processes
        if other in lock.knowers and other not in (process, event.process) and not other.role.is_service
    ]
    return any(other.alive_at(end) for other in others)


def _places(process: Process, event: Event, holds: list[Hold]) -> Iterator[Place]:
    if event.site is not None:
        yield Place("signalled", event.site, event.process)
    yield from dict.fromkeys(Place("holder", hold.site, process) for hold in holds if hold.site)
