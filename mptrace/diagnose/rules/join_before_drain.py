"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Step
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import call_of, listed, who
from mptrace.model.moment import Wait
from mptrace.model.process import Process, ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds


@rule(
    needs=("process", "queues", "connection"),
    explains=("queue-get-no-producer", "queue-put-no-consumer", "stalled", "all-asleep", "exit-hang"),
)
def join_before_drain(run: Run) -> Iterator[Finding]:
    """A process is joined before what it put on a queue has been read.

    Why it hangs:
        put() only hands an item to a thread of the process, which writes it to a pipe. A pipe holds about 64 KB. When it is
        full that thread waits for a reader, and the process does not end before its thread has written everything. If the
        only reader is waiting for the process to end, both wait for ever.

    How we know:
        The thread that writes is blocked, its process waits for that thread at its exit, and all who could read the queue wait
        for that process.

    What to do:
        Get all items first and join afterwards.
    """
    for standstill in standstills(run):
        for group in standstill.groups:
            writers = [wait for wait in group.waiting_in(kinds.SEND) if _queue_of(wait) is not None]
            joins = [wait for wait in group.waits if isinstance(wait.call.target, Process) or isinstance(wait.target, Process)]
            if writers and joins:
                yield _finding(standstill, group, writers[0], joins)


def _queue_of(wait: Wait) -> Resource | None:
    served = wait.thread.serves or (wait.resource.outermost if wait.resource else None)
    return served if wait.thread.role is ThreadRole.FEEDER or (served and "Queue" in served.kind) else None


def _finding(standstill: Standstill, group: Group, writer: Wait, joins: list[Wait]) -> Finding:
    queue, child = _queue_of(writer), writer.thread.process
    join = next((wait for wait in joins if wait.target is child), joins[0])
    label = queue.label if queue else "its queue"
    return hang(
        standstill,
        _told(group, writer, join),
        title=f"{who(join.thread)} joins {who(child)} before it has read what {who(child)} put on {label}",
        why=f"{who(child)} cannot end before {label} has taken all it put, the pipe is full, "
        f"and {_readers(group, child)} could read it only after {call_of(join)} returns.",
        fix=f"read all of {label} with {queue.name or 'queue'}.get() before {call_of(join)}, at"
        if queue
        else "read the queue before joining, at",
        fix_at=place_of(join),
        steps=[Step(f"waits for room in {label}: its pipe is full", child, writer.since_ns)],
        resources=[queue] if queue else [],
    )


def _told(group: Group, writer: Wait, join: Wait) -> list[Wait]:
    """The join, and the exit of the child; the writing thread is told in words of its own."""
    own = [wait for wait in group.waits if wait.thread.process is writer.thread.process and wait is not writer]
    return list(dict.fromkeys([*own, join]))


def _readers(group: Group, child: Process) -> str:
    return listed(who(process) for process in group.processes if process is not child) or "nobody"
