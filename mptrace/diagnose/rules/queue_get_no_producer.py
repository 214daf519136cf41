"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_step
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import call_of, counted, listed, verb, who
from mptrace.model.moment import Wait
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire import wait as kinds

QUEUES = ("Queue", "JoinableQueue", "SimpleQueue")
BEYOND = frozenset(
    (kinds.ITEM, kinds.REAP, kinds.THREAD_END, kinds.EXIT, kinds.POOL_END, kinds.FEEDER_END, kinds.RESULT, kinds.FUTURE)
)
"""What the members of the group may do besides: wait for each other's end or result."""


@rule(needs=("queues", "connection"), explains=("stalled", "all-asleep", "exit-hang"))
def queue_get_no_producer(run: Run) -> Iterator[Finding]:
    """A process waits for an item of a queue, and nobody is left who will put one.

    Why it hangs:
        get() without a timeout waits until an item comes. Everybody who knows the queue waits in get() as well, waits for one
        of those who do, or has ended.

    How we know:
        All processes that know the queue are accounted for, and the threads that could put do not run.

    What to do:
        Put one sentinel (such as None) for each reader when the work is done, and let the reader leave its loop on it. If the
        producers died, that is the thing to repair.
    """
    for standstill in standstills(run):
        for group in standstill.groups:
            gets = [wait for wait in group.waits if queue_read_by(wait) is not None and not wait.thread.role.is_service]
            if any(standstill.moment.begun_message(wait) for wait in gets):
                continue  # partial-message tells of it
            others = [wait for wait in group.waits if wait not in gets and not wait.thread.role.is_service]
            if gets and all(wait.call.kind in BEYOND for wait in others) and not standstill.is_orphaned(gets):
                yield _finding(standstill, group, gets, others)


def queue_read_by(wait: Wait) -> Resource | None:
    """Return the program's queue that a thread waits to get from."""
    target = wait.call.resource or wait.resource
    if target is None or target.outermost.kind not in QUEUES:
        return None
    reads = wait.call.kind == kinds.ITEM or target.role in ("_rlock", "_reader")
    return target.outermost if reads and wait.kind != kinds.SEND else None


def _finding(standstill: Standstill, group: Group, gets: list[Wait], others: list[Wait]) -> Finding:
    queues = list(dict.fromkeys(queue for wait in gets if (queue := queue_read_by(wait))))
    gone = [
        process
        for process in standstill.run.processes
        if not process.alive_at(standstill.moment.at_ns) and _knew(process, queues)
    ]
    joins = [wait for wait in others if wait.target in group.processes]
    fix, at = _fix(gets, joins, queues)
    return hang(
        standstill,
        [*gets, *joins],
        title=_title(gets, joins, gone),
        why=_why(gets, joins, gone, queues),
        fix=fix,
        fix_at=at,
        steps=[death_step(process) for process in gone[-3:]],
        resources=queues,
        processes=gone,
    )


def _knew(process: Process, queues: list[Resource]) -> bool:
    return not process.role.is_service and any(process in queue.knowers for queue in queues)


def _title(gets: list[Wait], joins: list[Wait], gone: list[Process]) -> str:
    names = list(dict.fromkeys(who(wait.thread) for wait in gets))
    waiting = f"{listed(names)} {verb(len(names), 'waits', 'wait')} in {listed(call_of(wait) for wait in gets)}"
    if joins:
        return f"{waiting}, and {who(joins[0].thread)} waits for {listed(_joined(joins))} instead of putting anything"
    ended = f": {listed(who(process) for process in gone)} {verb(len(gone), 'has', 'have')} ended" if gone else ""
    return f"{waiting}, and nobody is left to put anything{ended}"


def _joined(joins: list[Wait]) -> list[str]:
    return [who(wait.target) for wait in joins if isinstance(wait.target, Process)]


def _why(gets: list[Wait], joins: list[Wait], gone: list[Process], queues: list[Resource]) -> str:
    known = listed(queue.label for queue in queues)
    told = [f"get() has no timeout, and all who know {known} are accounted for: {counted(len(gets), 'thread')} in get()"]
    told += [f"{who(joins[0].thread)} in {call_of(joins[0])}"] if joins else []
    told += [f"{counted(len(gone), 'process', 'processes')} ended"] if gone else []
    return ", ".join(told) + "."


def _fix(gets: list[Wait], joins: list[Wait], queues: list[Resource]) -> tuple[str, Site | None]:
    name = queues[0].name or "queue"
    if joins:
        each = "each reader" if len(gets) > 1 else who(gets[0].thread)
        return (
            f"put a sentinel for {each} (`{name}.put(None)`), on which it leaves its loop, before {call_of(joins[0])} at",
            place_of(joins[0]),
        )
    return (
        f"count what will be put and get no more, or have each producer end with `{name}.put(None)`; the get() is at",
        place_of(gets[0]),
    )
