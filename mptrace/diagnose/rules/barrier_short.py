"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deserted import Deserted, deserted
from mptrace.diagnose.finding import Finding, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, verb
from mptrace.model.moment import Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds


@rule(needs=("synchronize", "semlock"), explains=("stalled", "all-asleep"))
def barrier_short(run: Run) -> Iterator[Finding]:
    """A Barrier waits for more parties than can still come.

    Why it hangs:
        A Barrier lets nobody through before as many have arrived as it was made for. Those who are missing have ended, or wait
        for one of those who have arrived.

    How we know:
        The number of parties, who has arrived, and what everybody else who knows the barrier does.

    What to do:
        Make the Barrier for as many as call wait(), count the parent, and let every path of a worker reach it; or give wait() a
        timeout and handle BrokenBarrierError.
    """
    for found in deserted(run, _barrier):
        parties = found.resource.number or found.waits[0].call.detail
        if len(found.waits) < parties or not parties:
            yield _finding(found, parties)


def _barrier(wait: Wait) -> Resource | None:
    return wait.call.resource if wait.call.kind == kinds.PARTIES and not wait.call.timed else None


def _finding(found: Deserted, parties: int) -> Finding:
    arrived = len(found.waits)
    missing = f"only {arrived} of {parties} parties {verb(arrived, 'has', 'have')} come" if parties else "parties are missing"
    where = f": {found.whereabouts}" if found.whereabouts else ""
    finding = found.finding(
        title=f"{found.waiting}, but {missing}{where}",
        who_else="will come",
        fix=f"make {found.resource.label} for those who come to it (Barrier({arrived})?), or have {counted(parties - arrived, 'more party', 'more parties')} "
        "call wait(); it is made at",
        fix_at=found.resource.created_at,
    )
    finding.verdict = finding.verdict if parties else Verdict.LIKELY
    return finding
