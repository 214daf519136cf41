"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mptrace.diagnose.deaths import raised_at
from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.raised import error_text, errors, loudness
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import observations

SAYS = ("[Errno 24]", "[Errno 23]", "Too many open files", "received 0 items of ancdata")
"""What Python says when a process, or the machine, has no descriptor left; the last: when one could not be received."""

WITH_FILES = frozenset(("Queue", "JoinableQueue", "SimpleQueue", "Pipe", "Pool", "ProcessPoolExecutor", "Manager"))
"""What keeps pipes or sockets open for as long as it lives."""

MANY = 10
"""So many made on one line are worth naming."""


@rule(
    explains=(
        "uncaught-exception",
        "start-failed",
        "helper-thread-died",
        "unpickle-failed",
        "executor-broken",
        "exit-status-ignored",
    )
)
def fd_exhausted(run: Run) -> Iterator[Finding]:
    """A process has as many files open as it may: the next pipe, queue or child cannot be made.

    Why it fails:
        Each Queue and Pipe keeps two or more descriptors open, each child one, each tensor or connection that is sent through
        a queue one on its way. The limit is often 1024 (ulimit -n).

    How we know:
        The error says so: "Too many open files", or "received 0 items of ancdata" where one was to be received. Which line
        made most of what keeps files open is counted.

    What to do:
        Close what is not needed any more, make one Queue for all instead of one for each, or raise the limit (ulimit -n).
    """
    told: dict[Process, list[Event]] = {}
    for event in errors(run, *SAYS):
        if event.process is not None:
            told.setdefault(event.process, []).append(event)
    for process, events in told.items():
        yield _finding(run, process, events[0])


def _finding(run: Run, process: Process, event: Event) -> Finding:
    made, raised = _most_made(run, process), raised_at(event)
    site = made[1] if made else raised
    what = f": {counted(made[2], made[0])} made on one line" if made else ""
    return Finding(
        title=f"{who(process)} has too many files open{what}",
        steps=(Step(f"raised {error_text(event)}", process, event.at_ns, raised),),
        why=_why(run, process),
        fix=f"close each {made[0]} that is not needed any more, or make one for all, at"
        if made
        else "close files, or raise the limit (ulimit -n); raised at",
        fix_at=site,
        processes=(process,),
        places=tuple(
            Place(role, at, process) for role, at in (("raised", raised), ("creation", made[1] if made else None)) if at
        ),
        evidence=(Evidence(event.ref, f"{who(process)}: {error_text(event)}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
        lowered=loudness(run, event),
    )


def _most_made(run: Run, process: Process) -> tuple[str, Site, int] | None:
    """Return (kind, line, how many) of what the process made most of that keeps files open."""
    sites: Counter[tuple[str, Site]] = Counter()
    for resource in run.resources:
        if resource.owner is None and resource.made_by is process and resource.kind in WITH_FILES and resource.created_at:
            sites[resource.kind, resource.created_at] += 1
    (kind, site), count = sites.most_common(1)[0] if sites else (("", Site("", 0, "")), 0)
    return (kind, site, count) if count >= MANY else None


def _why(run: Run, process: Process) -> str:
    seen = [event.number("files") for event in run.of(observations.MEMORY) if event.number("pid") == process.pid]
    most = max(seen, default=0)
    told = f" {most} were seen open." if most > 0 else ""
    return f"A process may have only so many files open (ulimit -n), and every pipe, queue and child takes some.{told}"
