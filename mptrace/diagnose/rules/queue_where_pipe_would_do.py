"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import who
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run

MANY = 50_000
"""Items of one queue, before it is worth a hint."""


@rule(severity=Severity.HINT, needs=("queues", "connection"))
def queue_where_pipe_would_do(run: Run) -> Iterator[Finding]:
    """A Queue with one producer and one consumer carries very many items: a Pipe would carry them faster.

    Why it costs:
        put() hands an item to a thread, which pickles it, takes a lock and writes; get() takes a lock and reads. With one
        process at each end, nobody needs the thread and the locks.

    How we know:
        One process sent through the queue's pipe and one received, and they counted the items.

    What to do:
        reader, writer = Pipe(duplex=False), with writer.send(item) and reader.recv(); or put lists of items on the queue.
    """
    for queue in run.resources:
        if queue.kind == "Queue" and queue.owner is None:
            senders, receivers = _users(run, queue)
            if len(senders) == len(receivers) == 1 and senders[0][1] >= MANY and senders[0][0] is not receivers[0][0]:
                yield _finding(queue, senders[0][0], receivers[0][0], senders[0][1])


def _users(run: Run, queue: Resource) -> tuple[list[tuple[Process, int]], list[tuple[Process, int]]]:
    """Return who sent how much through the queue's pipe, and who received."""
    pipes = [queue.parts[role] for role in ("_reader", "_writer") if role in queue.parts]
    used = [(process, tally) for process in run.processes for tally in process.tallies if tally.resource in pipes]
    return [(p, tally.sent) for p, tally in used if tally.sent], [(p, tally.received) for p, tally in used if tally.received]


def _finding(queue: Resource, sender: Process, receiver: Process, count: int) -> Finding:
    return Finding(
        title=f"{queue.label} carried {count:,} items from {who(sender)} to {who(receiver)} alone: a Pipe would do",
        steps=(
            Step(f"put {count:,} items on {queue.label}", sender, sender.ended_ns),
            Step("got them", receiver, receiver.ended_ns),
        ),
        why="With one process at each end nobody needs the queue's thread and locks.",
        fix="use Pipe(duplex=False), or put lists of items on it, instead of the queue made at",
        fix_at=queue.created_at,
        processes=(sender, receiver),
        resources=(queue,),
        places=(Place("creation", queue.created_at, queue.made_by),) if queue.created_at else (),
    )
