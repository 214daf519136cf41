"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import who
from mptrace.model.moment import Hold, Wait
from mptrace.model.run import Run


@rule(needs=("semlock",), explains=(ANY_WAIT,))
def self_deadlock(run: Run) -> Iterator[Finding]:
    """A thread waits for a lock that it holds itself.

    Why it hangs:
        A Lock is not recursive. A thread that wants one it has already waits for itself, and it cannot let go while it waits.

    How we know:
        The lock's recorded holder is the thread that waits for it, without a timeout, and nobody else is left that could
        release it.

    What to do:
        Make it an RLock, or do not take it again in what is called with the lock held.
    """
    for standstill in standstills(run):
        for wait, hold in standstill.self_waits():
            yield _finding(standstill, wait, hold)


def _finding(standstill: Standstill, wait: Wait, hold: Hold) -> Finding:
    lock = hold.resource.outermost
    kind = hold.resource.kind or "Lock"
    return hang(
        standstill,
        [wait],
        title=f"{who(wait.thread)} waits for {lock.label}, {'which' if lock is hold.resource else 'whose own lock'} it holds itself",
        why=f"{'An' if kind[:1] in 'AEIO' else 'A'} {kind} is not recursive: it stays taken until its holder releases it, "
        "and its holder waits, without a timeout.",
        fix=f"make {lock.label} an RLock, or do not take it again"
        if lock is hold.resource
        else f"do not use {lock.label} in what may interrupt its own methods, as a signal handler does: set a plain variable there",
        fix_at=wait.site,
        holds=[hold],
        resources=[lock],
    )
