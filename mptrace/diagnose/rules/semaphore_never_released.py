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

SEMAPHORES = ("Semaphore", "BoundedSemaphore")


@rule(needs=("synchronize", "semlock"), explains=("stalled", "all-asleep"))
def semaphore_never_released(run: Run) -> Iterator[Finding]:
    """A process waits for a Semaphore at zero, and nobody is left who will release it.

    Why it hangs:
        Each acquire() takes one unit, and only release() gives it back: the end of the process that took it does not.

    How we know:
        All processes that know the Semaphore are accounted for: they have ended, or wait themselves.

    What to do:
        Use `with semaphore:`, which gives the unit back on every path.
    """
    for found in deserted(run, _semaphore):
        where = f": {found.whereabouts}" if found.whereabouts else ""
        yield found.finding(
            title=f"{found.waiting}, all units of it are taken, and nobody is left to release one{where}",
            who_else=f"will call {found.resource.name or 'its'}.release()",
            fix=f"take {found.resource.label} with `with {found.resource.name or 'semaphore'}:`, which gives the unit back on every path, at",
        )


def _semaphore(wait: Wait) -> Resource | None:
    resource = wait.resource
    plain = resource is not None and resource.kind in SEMAPHORES and resource.owner is None
    return resource if plain and wait.kind == kinds.ACQUIRE else None
