"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Place, Step, Verdict
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, losses, standstills
from mptrace.diagnose.wording import call_of, counted, who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.run import Run
from mptrace.wire import wait as kinds
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks

CALLS = {
    "__exit__": "its `with` block was left, which terminates it",
    "terminate": "it was terminated",
    "collected": "nothing referred to it any more",
    "exit": "the program was ending",
}


@rule(needs=("pool",), explains=("stalled", "all-asleep", "pool-worker-died"))
def result_after_terminate(run: Run) -> Iterator[Finding]:
    """A result is waited for whose pool was terminated before it was there.

    Why it hangs:
        Leaving the `with` block of a Pool terminates it: its workers end, tasks that are not done are dropped, and nobody
        tells those who wait for their results.

    How we know:
        The pool was terminated with that job pending; the wait has no timeout.

    What to do:
        Collect the results inside the `with` block, or call close() and join() before leaving it.
    """
    for standstill in standstills(run):
        for wait in standstill.moment.waits:
            ended = _terminated(run, wait)
            if ended is not None and _is_before(ended, wait, standstill) and not wait.timed and standstill.holds_for([wait]):
                yield _finding(standstill, wait, ended)


def _terminated(run: Run, wait: Wait) -> Event | None:
    pool = wait.call.resource
    if wait.call.kind != kinds.RESULT or pool is None:
        return None
    states = [
        event for event in run.of(tasks.POOL_STATE) if unsigned(event.number("pool")) == pool.key and event.text("call") in CALLS
    ]
    return states[0] if states else None


def _is_before(ended: Event, wait: Wait, standstill: Standstill) -> bool:
    """Was it terminated when the wait was seen, and not by the waiting thread itself, which has left its wait then (Ctrl-C)?"""
    itself = ended.process is wait.thread.process and ended.tid == wait.thread.tid and ended.at_ns > wait.since_ns
    return ended.at_ns <= standstill.moment.at_ns and not itself


def _finding(standstill: Standstill, wait: Wait, ended: Event) -> Finding:
    pool = wait.call.resource
    label = pool.label if pool else "a pool"
    finding = hang(
        standstill,
        [wait],
        title=f"{who(wait.thread)} waits for a result of {label}, which is terminated: {CALLS[ended.text('call')]}",
        why=f"{counted(ended.number('pending'), 'job')} had not ended then and never will: a terminated pool drops them, and {call_of(wait)} is not told.",
        fix=f"get the results inside the `with` block, or call {pool.name if pool and pool.name else 'pool'}.close() and .join() before leaving it; the result is asked for at",
        fix_at=place_of(wait),
        steps=[Step(f"terminated {label}", ended.process, ended.at_ns, ended.site)],
        resources=[pool] if pool else [],
        places=[Place("terminated", ended.site, ended.process)] if ended.site else [],
    )
    unsure = [*losses(standstill.run), *(["it was not looked at twice"] if standstill.moment.still(wait.thread) is None else [])]
    finding.verdict, finding.details = (Verdict.LIKELY if unsure else Verdict.PROVEN), tuple(unsure)
    return finding
