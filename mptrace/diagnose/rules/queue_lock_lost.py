"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_places, death_step
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import call_of, how_it_ended, listed, verb, who
from mptrace.model.moment import Hold, Wait
from mptrace.model.run import Run

OWNERS = ("Queue", "JoinableQueue", "SimpleQueue", "Pool")


@rule(needs=("semlock", "queues"), explains=(ANY_WAIT, "killed-by-signal", "hard-exit", "segfault", "uncaught-exception"))
def queue_lock_lost(run: Run) -> Iterator[Finding]:
    """A process was ended in the middle of get() or put() of a queue, and took the queue's lock with it.

    Why it hangs:
        A process that waits in get() holds the queue's lock for reading all the while. If it is killed there, the lock stays
        taken: items may be in the queue, and nobody can get them any more.

    How we know:
        The recorded holder of the queue's lock is dead, nobody else holds it, and others wait for it without a timeout.

    What to do:
        Do not terminate() or kill() a process that uses a queue: put a sentinel for it and join it. A queue whose user was
        killed must be made anew.
    """
    for standstill in standstills(run):
        for waits, hold in standstill.orphaned_locks():
            if hold.resource.owner is not None and hold.resource.outermost.kind in OWNERS:
                yield _finding(standstill, waits, hold)


def _finding(standstill: Standstill, waits: list[Wait], hold: Hold) -> Finding:
    dead, queue = hold.thread.process, hold.resource.outermost
    call = "get()" if hold.resource.role == "_rlock" else "put()"
    names = [who(wait.thread) for wait in waits]
    finding = hang(
        standstill,
        waits,
        title=f"{who(dead)} {how_it_ended(dead.exit, sender=False)} inside {call} of {queue.label}, and {listed(names)} "
        f"{verb(len(set(names)), 'waits', 'wait')} for the lock it took along",
        why=f"Whoever is in {call} holds a lock of the queue; nobody releases it any more, so {call_of(waits[0])} never returns.",
        fix=_fix(hold, queue.label),
        fix_at=dead.exit.by_site if dead.exit else None,
        holds=[hold],
        steps=[death_step(dead)],
        resources=[queue],
        processes=[dead],
        places=death_places(dead),
    )
    finding.evidence += tuple(death_evidence(standstill.run, dead))
    return finding


def _fix(hold: Hold, queue: str) -> str:
    dead = hold.thread.process
    if dead.exit and dead.exit.signal is not None and dead.exit.by_site:
        return f"put a sentinel on {queue} for {who(dead)} and join it, instead of ending it at"
    return f"find out why {who(dead)} died, and make {queue} anew when a process that uses it has died"
