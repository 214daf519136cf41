"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_places, death_step
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import how_it_ended, who
from mptrace.model.moment import Hold, Wait
from mptrace.model.run import Run


@rule(needs=("semlock",), explains=(ANY_WAIT, "killed-by-signal", "hard-exit", "segfault", "uncaught-exception"))
def lock_holder_died(run: Run) -> Iterator[Finding]:
    """A lock is waited for whose holder is dead.

    Why it hangs:
        The locks of multiprocessing live outside of the processes. If a process dies while it holds one, nobody releases it,
        and the next one who wants it waits for ever.

    How we know:
        The holder was recorded, and has ended without releasing the lock; nobody else holds it. The waiter has no timeout and
        did not run between two looks.

    What to do:
        End processes by asking them (an Event, a sentinel), not by terminate() or kill(); never os._exit inside a `with lock`.
    """
    for standstill in standstills(run):
        for waits, hold in standstill.orphaned_locks():
            if hold.resource.owner is None or hold.resource.outermost.kind not in (
                "Queue",
                "JoinableQueue",
                "SimpleQueue",
                "Pool",
            ):
                yield _finding(standstill, waits, hold)


def _finding(standstill: Standstill, waits: list[Wait], hold: Hold) -> Finding:
    dead, lock = hold.thread.process, hold.resource.outermost
    ended = how_it_ended(dead.exit, sender=False)
    finding = hang(
        standstill,
        waits,
        title=f"{who(waits[0].thread)} waits for {lock.label}, whose holder {who(dead)} {ended}",
        why=f"{who(dead)} took {lock.label} and never released it. No other process holds it, and the wait has no timeout.",
        fix=_fix(hold),
        fix_at=dead.exit.by_site if dead.exit and dead.exit.by_site else hold.site,
        holds=[hold],
        steps=[death_step(dead)],
        resources=[lock],
        processes=[dead],
        places=death_places(dead),
    )
    finding.evidence += tuple(death_evidence(standstill.run, dead))
    return finding


def _fix(hold: Hold) -> str:
    dead = hold.thread.process
    if dead.exit and dead.exit.signal is not None and dead.exit.by_site:
        return f"ask {who(dead)} to end (an Event, a sentinel) instead of ending it while it may hold {hold.resource.outermost.label}, at"
    return f"make sure that {who(dead)} cannot die while it holds {hold.resource.outermost.label}, taken at"
