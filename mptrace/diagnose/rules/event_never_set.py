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
def event_never_set(run: Run) -> Iterator[Finding]:
    """A process waits for an Event, and nobody is left who will set it.

    Why it hangs:
        Event.wait() without a timeout returns when somebody calls set(). Everybody who knows the Event waits as well, or has
        ended without setting it.

    How we know:
        All processes that know the Event are accounted for, and none of them can run.

    What to do:
        Set the Event on every path (try/finally), or wait with a timeout and look whether the process that should set it lives.
    """
    for found in deserted(run, _event):
        where = f": {found.whereabouts}" if found.whereabouts else ""
        yield found.finding(
            title=f"{found.waiting}, and nobody is left to set it{where}",
            who_else=f"will call {found.resource.name or 'its'}.set()",
            fix=f"call set() of {found.resource.label} on every path, also before an early return, or wait with a timeout, at",
        )


def _event(wait: Wait) -> Resource | None:
    return wait.call.resource if wait.call.kind == kinds.FLAG and not wait.call.timed else None
