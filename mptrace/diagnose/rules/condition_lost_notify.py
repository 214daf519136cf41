"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deserted import deserted
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.rule import rule
from mptrace.model.moment import Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds


@rule(needs=("synchronize", "semlock"), explains=("stalled", "all-asleep"))
def condition_lost_notify(run: Run) -> Iterator[Finding]:
    """A process waits on a Condition for a notify that came before it waited, or will not come.

    Why it hangs:
        notify() wakes those who wait at that moment, and leaves no trace for those who come later. Whoever waits without first
        looking whether what it waits for is already so, may wait for ever.

    How we know:
        All processes that know the Condition wait as well, or have ended; nobody is left who could notify.

    What to do:
        Wait in a loop on the state itself: cond.wait_for(lambda: ready), under the lock under which the state is changed.
    """
    for found in deserted(run, _condition):
        where = f": {found.whereabouts}" if found.whereabouts else ""
        yield found.finding(
            title=f"{found.waiting} for a notify that came before, or never comes{where}",
            who_else="will notify",
            fix=f"use {found.resource.name or 'the condition'}.wait_for(lambda: ...) on the state that was changed, which does not wait if it is so already, at",
        )


def _condition(wait: Wait) -> Resource | None:
    return wait.call.resource if wait.call.kind == kinds.NOTIFY and not wait.call.timed else None
