"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deserted import deserted
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.rule import rule
from mptrace.model.moment import Wait
from mptrace.model.process import ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds

QUEUES = ("Queue", "JoinableQueue", "SimpleQueue")


@rule(needs=("queues", "semlock", "connection"), explains=("stalled", "all-asleep"))
def queue_put_no_consumer(run: Run) -> Iterator[Finding]:
    """A process waits in put() of a full queue, and nobody is left who will take an item out of it.

    Why it hangs:
        put() on a queue with a maxsize, or on a SimpleQueue whose pipe is full, waits until somebody gets an item. Everybody
        who knows the queue waits as well, or has ended.

    How we know:
        All processes that know the queue are accounted for.

    What to do:
        Keep the consumer reading until the producer says that it is done, or put with a timeout and look whether it lives.
    """
    for found in deserted(run, _full):
        where = f": {found.whereabouts}" if found.whereabouts else ""
        yield found.finding(
            title=f"{found.waiting}, which is full, and nobody is left to take anything out{where}",
            who_else=f"will call {found.resource.name or 'its'}.get()",
            fix=f"have the consumer get from {found.resource.label} until the producer is done, or put with a timeout, at",
        )


def _full(wait: Wait) -> Resource | None:
    part = wait.resource
    if part is None or part.outermost.kind not in QUEUES or wait.thread.role is ThreadRole.FEEDER:
        return None
    puts = (
        part.role == "_sem" or (wait.kind == kinds.SEND and part.outermost.kind == "SimpleQueue") or wait.call.kind == kinds.ROOM
    )
    return part.outermost if puts else None
