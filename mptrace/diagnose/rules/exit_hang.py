"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import events_of
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import call_of, listed, verb, who
from mptrace.model.moment import Wait
from mptrace.model.process import ThreadRole
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire import wait as kinds
from mptrace.wire.events import threads


@rule(needs=("exits", "queues", "connection"), explains=("stalled", "all-asleep"))
def exit_hang(run: Run) -> Iterator[Finding]:
    """A process cannot end: at its exit it waits for a thread that never ends.

    Why it hangs:
        At its exit a process waits for its threads that are not daemons, and for the threads of its queues, which write what
        put() was given to a pipe. A thread that waits for work which nobody is left to hand out never ends, nor does one that
        writes to a full pipe which nobody reads.

    How we know:
        The main thread has nothing to do any more but to wait for the others, and each of them waits, without a timeout, for
        something that only threads of this process could bring about; or a queue's thread is blocked in writing, and nobody is
        left to read.

    What to do:
        Tell each thread to end (a sentinel in its queue, an Event) before the main thread does, or make it a daemon. Read a queue
        to its end, or call cancel_join_thread() on it if what is left in it may be lost.
    """
    for standstill in standstills(run):
        for group in standstill.groups:
            writer = next(
                (wait for wait in group.waits if wait.thread.role is ThreadRole.FEEDER and wait.kind == kinds.SEND), None
            )
            if writer is not None and {wait.thread.process for wait in group.waits} == {writer.thread.process}:
                yield _finding(standstill, group, writer)
            elif writer is None:
                yield from _threads(standstill, group)


def _threads(standstill: Standstill, group: Group) -> Iterator[Finding]:
    """Yield it for a main thread that is done, and threads that wait for a word of their own process."""
    leaving = [wait for wait in group.waits if wait.kind == kinds.EXIT]
    left = [wait for wait in group.waits if wait.kind == kinds.MUTEX_WAIT and not wait.thread.role.is_service]
    if not leaving or not left or len(leaving) + len(left) < len(group.waits):
        return
    process, names = leaving[0].thread.process, listed(wait.thread.name or who(wait.thread) for wait in left)
    waits = verb(len(left), "waits", "wait")
    calls = list(dict.fromkeys(call_of(wait) for wait in left))
    yield hang(
        standstill,
        [*left, *leaving],
        title=f"{who(process)} cannot end: its {'thread' if len(left) == 1 else 'threads'} {names} still {waits} in {listed(calls)}",
        why=f"The main thread of {who(process)} has ended, and Python waits for threads that are not daemons. {names} {waits}, without "
        "a timeout, for what only a thread of this process could bring about, and no other one is left.",
        fix=f"tell {names} to end before the main thread does (a sentinel in its queue), or start it with daemon=True; it waits at",
        fix_at=place_of(left[0]),
    )


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
