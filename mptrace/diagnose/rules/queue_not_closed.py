"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import observations

MANY = 50
"""Queues that are made on one line: fewer are no trouble, closed or not."""

QUEUES = frozenset(("Queue", "JoinableQueue", "SimpleQueue"))


@rule(severity=Severity.HINT, needs=("queues",))
def queue_not_closed(run: Run) -> Iterator[Finding]:
    """Many queues were made on one line and stay open.

    Why it costs:
        A queue keeps a pipe and up to three semaphores, and a thread if anything was put on it, until it is closed or the last
        reference to it is gone. A process may have only so many files open (ulimit -n).

    How we know:
        So many were made on that line, and the process was seen with two open files for each of them.

    What to do:
        Make one queue for all jobs and send the job's number along; or call close() when a queue is done with.
    """
    made: dict[tuple[Process, Site], list[Resource]] = {}
    for resource in run.resources:
        if resource.owner is None and resource.kind in QUEUES and resource.made_by and resource.created_at:
            made.setdefault((resource.made_by, resource.created_at), []).append(resource)
    for (process, site), queues in made.items():
        look = _most_files(run, process)
        if len(queues) >= MANY and look is not None and look.number("files") >= 2 * len(queues):
            yield _finding(process, site, queues, look)


def _most_files(run: Run, process: Process) -> Event | None:
    looks = [event for event in run.of(observations.MEMORY) if event.number("pid") == process.pid]
    return max(looks, key=lambda event: event.number("files"), default=None)


def _finding(process: Process, site: Site, queues: list[Resource], look: Event) -> Finding:
    files, count = look.number("files"), len(queues)
    return Finding(
        title=f"{who(process)} keeps {counted(count, 'queue')} open that one line made",
        steps=(Step(f"had {files} files open", process, look.at_ns, site),),
        why="Each keeps a pipe, and a thread once something was put on it, until it is closed.",
        fix="make one queue for all, or close() each when it is done with, instead of one more at",
        fix_at=site,
        processes=(process,),
        places=(Place("creation", site, process),),
        evidence=(Evidence(look.ref, f"{who(process)} had {files} files open"),),
        at_ns=look.at_ns,
    )
