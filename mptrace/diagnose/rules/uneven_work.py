"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mptrace.diagnose.amounts import percent, seconds
from mptrace.diagnose.costs import Work, works_of
from mptrace.diagnose.finding import Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, listed, who
from mptrace.model.event import Event
from mptrace.model.process import Past, Process
from mptrace.model.run import Run
from mptrace.wire import wait as waits

LEAST_NS = 2_000_000_000
"""So long must one worker be busy alone."""

SHARE = 0.3
"""Part of the time from the first task to the last that this must be."""

NEAR_NS = 200_000_000
"""A wait that began or ended so near to the work covers it."""

_WAITS = frozenset((waits.RESULT, waits.FUTURE, waits.THREAD_END, waits.REAP, waits.POOL_END))
_JOB = 32  # bits of a task's number below the number of its job


@dataclass(frozen=True, slots=True)
class Tail:
    """The time at the end in which one worker was busy alone."""

    worker: Process
    last: Past
    others: list[Process]
    since_ns: int
    begun_ns: int

    @property
    def took_ns(self) -> int:
        """How long it was."""
        return self.last.at_ns - self.since_ns


@rule(severity=Severity.HINT, needs=("pool", "executor"))
def uneven_work(run: Run) -> Iterator[Finding]:
    """One worker of a pool is busy long after the others have nothing left to do.

    Why it costs:
        The result is there when the last worker is done. A long task that is handed out late, or a chunk with several long
        items in it, keeps one worker busy while the others, and the program, wait.

    How we know:
        The ends of the last tasks of each worker, and the wait of the program that ended with the last of them.

    What to do:
        Hand in the longest items first, with chunksize=1; cut a long item into several.
    """
    for work in works_of(run):
        tail = _tail(work)
        if tail is not None and _is_long(tail) and _is_waited_for(work, tail) and _is_like_the_others(work, tail):
            yield _finding(work, tail)


def _tail(work: Work) -> Tail | None:
    ended = {worker: tasks[-1] for worker in work.workers if (tasks := work.tasks_of(worker))}
    if len(ended) < 2 or not work.handed_in:
        return None
    (*_, second, worker) = sorted(ended, key=lambda worker: ended[worker].at_ns)
    last, since_ns = ended[worker], ended[second].at_ns
    if (last.since_ns or 0) > since_ns:  # the others had not run out of work: there was none for anybody for a while
        return None
    return Tail(worker, last, [other for other in ended if other is not worker], since_ns, _begun_ns(work))


def _begun_ns(work: Work) -> int:
    """Return when the first task began; where the recording has forgotten it, when the first was handed in."""
    tasks = [task for worker in work.workers for task in work.tasks_of(worker)]
    known = len(tasks) >= work.messages
    return min((task.since_ns for task in tasks if task.since_ns), default=0) if known else work.handed_in[0].at_ns


def _is_long(tail: Tail) -> bool:
    return tail.took_ns >= max(LEAST_NS, SHARE * (tail.last.at_ns - tail.begun_ns))


def _is_waited_for(work: Work, tail: Tail) -> bool:
    """Did who made the pool wait for its results until the last task ended?"""
    maker = work.pool.made_by
    past = maker.past if maker else []
    waited = (one for one in past if one.kind in _WAITS and one.since_ns is not None)
    return any((one.since_ns or 0) <= tail.since_ns + NEAR_NS and one.at_ns >= tail.last.at_ns - NEAR_NS for one in waited)


def _is_like_the_others(work: Work, tail: Tail) -> bool:
    """Did it run the same function as others? One that is alone of its kind may be meant to run beside them."""
    own = _job(work, tail.last)
    jobs = {past.number >> _JOB for worker in tail.others for past in work.tasks_of(worker)}
    known = [event for event in work.handed_in if event.number("job") in jobs]
    return own is None or not known or any(event.text("function") == own.text("function") for event in known)


def _job(work: Work, past: Past) -> Event | None:
    return next((event for event in work.handed_in if event.number("job") == past.number >> _JOB), None)


def _finding(work: Work, tail: Tail) -> Finding:
    call = _job(work, tail.last) or work.main_call
    site = call.site if call and call.site else work.site
    function = call.text("function") if call else ""
    is_map = call is not None and "map" in call.text("call")
    of_it, maker = (f" of {function}()" if function else ""), work.pool.made_by
    whole = tail.last.at_ns - tail.begun_ns
    return Finding(
        title=f"{who(maker)} waited {seconds(tail.took_ns)} for {who(tail.worker)} alone, while {_idle(tail)} had nothing left to do",
        steps=(
            Step("handed in the tasks", maker, tail.begun_ns, site),
            Step(f"began its last task{of_it}", tail.worker, tail.last.since_ns),
            Step(f"ended its last task{of_it}", tail.others[-1], tail.since_ns),
            Step("ended its own", tail.worker, tail.last.at_ns),
        ),
        why=f"The last task alone is {percent(tail.took_ns, whole)} of the {seconds(whole)} that the tasks took from first to last.",
        fix=(
            "hand in the longest items first, and one by one (chunksize=1), at"
            if is_map
            else "hand in the longest tasks first, or cut them into shorter ones, at"
        ),
        fix_at=site,
        processes=(tail.worker, *tail.others),
        resources=(work.pool,),
        places=(Place("submitted", site, maker),) if site else (),
        at_ns=tail.since_ns,
    )


def _idle(tail: Tail) -> str:
    others = tail.others
    return listed(who(other) for other in others) if len(others) < 3 else counted(len(others), "other worker")
