"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, is_library, is_library_made, told_of, was_interrupted
from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.wire.events import failures, processes


@rule(
    needs=("process",),
    explains=(
        "queue-get-no-producer",
        "barrier-short",
        "event-never-set",
        "queue-join-unfinished",
        "semaphore-never-released",
        "queue-put-no-consumer",
        "condition-lost-notify",
        "manager-died",
        "stalled",
        "all-asleep",
    ),
)
def uncaught_exception(run: Run) -> Iterator[Finding]:
    """A child died of an exception, and the program went on without noticing.

    Why it fails:
        An exception that leaves the target of a Process ends that process with status 1 and a traceback on stderr. The parent
        gets no exception: `join()` returns as if all were well, and what the child was to do is not done.

    How we know:
        The exception was recorded on its way out of the child, with its traceback; the parent never read `exitcode`, or the
        job failed all the same.

    What to do:
        Repair the line that raised. In the parent, check `exitcode` after `join()`, or use a Pool or an executor, which hand
        the exception over.
    """
    for event in run.of(failures.UNCAUGHT):
        process = event.process
        if process is not None and _matters(run, process, event):
            yield _finding(run, process, event)


def _matters(run: Run, process: Process, event: Event) -> bool:
    if process.role is Role.MAIN or not is_library_made(process) or was_interrupted(run, process):
        return False
    if event.text("error") == "KeyboardInterrupt" or event.text("where") == "spawn":
        return False
    return not told_of(run, process, processes.EXIT_CODE_READ) or bool(run.meta.status)


def _finding(run: Run, process: Process, event: Event) -> Finding:
    error = shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "), 70)
    line = run.source_line(event.site.file, event.site.line) if event.site else ""
    return Finding(
        title=f"{who(process)} died of {error}",
        steps=(Step(f"raised {error}", process, event.at_ns, event.site),),
        why=_why(run, process),
        fix=f"repair {shortened(line)}"
        if line and event.site and not is_library(event.site.file)
        else "repair the line that raised",
        fix_at=event.site,
        processes=(process,),
        places=tuple(_places(process, event)),
        evidence=(Evidence(event.ref, f"{who(process)} raised {error}"), *death_evidence(run, process)),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
    )


def _why(run: Run, process: Process) -> str:
    if told_of(run, process, processes.EXIT_CODE_READ):
        return "Its parent read the exit code, and the job failed."
    return "Nobody looked at its exit code: join() returns as if all were well."


def _places(process: Process, event: Event) -> Iterator[Place]:
    if event.site is not None:
        yield Place("raised", event.site, process)
    if process.start_site is not None:
        yield Place("start", process.start_site, process.parent)
