"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import events_of
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.hang import hang
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import who
from mptrace.model.moment import Wait
from mptrace.model.process import ThreadRole
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire import wait as kinds
from mptrace.wire.events import threads


@rule(needs=("exits", "queues", "connection"), explains=("stalled", "all-asleep"))
def exit_hang(run: Run) -> Iterator[Finding]:
    """A process cannot end: at its exit it waits for a queue's thread that cannot get rid of what was put.

    Why it hangs:
        What put() was given is written to a pipe by a thread of the process, and at its exit a process waits for that thread.
        If nobody reads the queue any more and the pipe is full, the thread never ends.

    How we know:
        The main thread is in its exit handlers and waits for the thread, which is blocked in writing; nobody is left to read.

    What to do:
        Read the queue to its end, or call cancel_join_thread() on it if what is left in it may be lost.
    """
    for standstill in standstills(run):
        for group in standstill.groups:
            writer = next(
                (wait for wait in group.waits if wait.thread.role is ThreadRole.FEEDER and wait.kind == kinds.SEND), None
            )
            if writer is not None and {wait.thread.process for wait in group.waits} == {writer.thread.process}:
                yield _finding(standstill, group, writer)


def _finding(standstill: Standstill, group: Group, writer: Wait) -> Finding:
    queue = writer.thread.serves or (writer.resource.outermost if writer.resource else None)
    process, label = writer.thread.process, queue.label if queue else "a queue"
    put = _first_put(standstill.run, writer)
    return hang(
        standstill,
        [wait for wait in group.waits if wait is not writer] or [writer],
        title=f"{who(process)} cannot end: what it put on {label} does not fit into the pipe, and nobody reads it",
        why=f"At its exit a process waits until all it put has been written; the pipe of {label} is full, and nobody is left to get from it.",
        fix=f"read {label} to its end, or call {queue.name if queue and queue.name else 'queue'}.cancel_join_thread() if what is left may be lost; put() is at",
        fix_at=put,
        steps=[Step(f"waits for room in {label}: its pipe is full", writer.thread, writer.since_ns)],
        resources=[queue] if queue else [],
        places=[Place("put", put, process)] if put else [],
    )


def _first_put(run: Run, writer: Wait) -> Site | None:
    """Return the line whose put() started the queue's thread."""
    events = events_of(run, writer.thread.process, threads.STARTED)
    return next((event.site for event in events if event.number("thread") == writer.thread.tid), None)
