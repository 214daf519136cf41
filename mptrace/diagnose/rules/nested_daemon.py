"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.events import processes

SAYS = "daemonic processes are not allowed to have children"
"""What multiprocessing says then."""


@rule(needs=("process",), explains=("uncaught-exception", "start-failed"))
def nested_daemon(run: Run) -> Iterator[Finding]:
    """A daemonic process, such as a worker of a Pool, tries to start a child.

    Why it fails:
        Workers of a Pool are daemonic: they are ended with their parent. A daemonic process may not have children, since those
        would be left behind.

    How we know:
        The AssertionError was recorded, with the line that started the child.

    What to do:
        Make the inner pool in the parent, use threads inside the worker, or a ProcessPoolExecutor, whose workers are not
        daemonic.
    """
    seen: set[object] = set()
    for event in run.of(processes.START_FAILED):
        if SAYS in event.text("message") and event.site not in seen:
            seen.add(event.site)
            yield _finding(event)


def _finding(event: Event) -> Finding:
    return Finding(
        title=f"{who(event.process)} is a daemon and may not start a child",
        steps=(Step("tried to start a child", event.process, event.at_ns, event.site),),
        why="The workers of a Pool are daemons; multiprocessing refuses to start children in them.",
        fix="make the inner pool in the parent, or use a ProcessPoolExecutor outside, whose workers may have children, instead of the call at",
        fix_at=event.site,
        processes=(event.process,) if event.process else (),
        places=(Place("start", event.site, event.process),) if event.site else (),
        evidence=(Evidence(event.ref, f"{who(event.process)}: AssertionError: {SAYS}"),),
        at_ns=event.at_ns,
    )
