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


@rule(needs=("queues", "semlock"), explains=("queue-get-no-producer", "condition-lost-notify", "stalled", "all-asleep"))
def queue_join_unfinished(run: Run) -> Iterator[Finding]:
    """JoinableQueue.join() waits for task_done() calls that cannot come.

    Why it hangs:
        join() returns when task_done() has been called once for each item that was put. A consumer that leaves out one call
        (an early `continue`, an exception, its death) leaves the count above zero for ever.

    How we know:
        The queue's other users wait in get(), which leads to no task_done() without a new item, or have ended.

    What to do:
        Call task_done() in a `finally`, once for each get().
    """
    for found in deserted(run, _joined):
        where = f": {found.whereabouts}" if found.whereabouts else ""
        yield found.finding(
            title=f"{found.waiting} for a task_done() that nobody is left to call{where}",
            who_else="will call task_done()",
            fix=f"call {found.resource.name or 'queue'}.task_done() once for each get(), in a `finally`; the join() is at",
        )


def _joined(wait: Wait) -> Resource | None:
    return wait.call.resource if wait.call.kind == kinds.TASKS_DONE else None
