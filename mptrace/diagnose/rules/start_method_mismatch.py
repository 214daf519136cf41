"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.events import failures, processes

SAYS = "context is being shared with a process in a"
"""What multiprocessing says when a lock of one start method is given to a process of another."""


@rule(needs=("process",), explains=("uncaught-exception", "start-failed", "unpicklable-argument"))
def start_method_mismatch(run: Run) -> Iterator[Finding]:
    """A lock or queue that was made for one start method is given to a process of another.

    Why it fails:
        A lock made for forked processes has no name by which a spawned one could find it.

    How we know:
        multiprocessing refused, and the call was recorded.

    What to do:
        Make everything from one context: ctx = multiprocessing.get_context("spawn"), then ctx.Lock(), ctx.Queue(),
        ctx.Process().
    """
    found = [event for event in run.of(processes.START_FAILED, failures.PICKLE_FAILED) if SAYS in event.text("message")]
    if found:
        yield _finding(found[0])


def _finding(event: Event) -> Finding:
    return Finding(
        title=f"{who(event.process)} shares what was made for another start method: {shortened(event.text('message'), 90)}",
        steps=(Step("tried to send it", event.process, event.at_ns, event.site),),
        why="Locks and queues belong to the context they were made in, and to the processes of that context.",
        fix="make lock, queue and process from one multiprocessing.get_context(...), at",
        fix_at=event.site,
        processes=(event.process,) if event.process else (),
        places=(Place("start", event.site, event.process),) if event.site else (),
        evidence=(Evidence(event.ref, f"{who(event.process)}: {event.text('message')}"),),
        at_ns=event.at_ns,
    )
