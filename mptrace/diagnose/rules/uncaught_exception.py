"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import MISSED, death_evidence, is_library, is_library_made, raised_at, told_of, was_interrupted
from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import listed, shortened, who
from mptrace.model.event import Event
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.wire.events import failures, processes


@rule(
    needs=("process",),
    explains=MISSED,
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
    alike: dict[tuple[object, ...], list[Event]] = {}
    for event in run.of(failures.UNCAUGHT):
        process = event.process
        if process is not None and _matters(run, process, event):
            alike.setdefault((event.text("error"), raised_at(event), process.parent, process.pool), []).append(event)
    for events in alike.values():
        yield _finding(run, events)


def _matters(run: Run, process: Process, event: Event) -> bool:
    if process.role is Role.MAIN or not is_library_made(process) or was_interrupted(run, process):
        return False
    if event.text("error") == "KeyboardInterrupt" or event.text("where") == "spawn":
        return False
    return not told_of(run, process, processes.EXIT_CODE_READ) or bool(run.meta.status)


def _finding(run: Run, events: list[Event]) -> Finding:
    event, site = events[0], raised_at(events[0])
    children = tuple(dict.fromkeys(event.process for event in events if event.process))
    line = run.source_line(site.file, site.line) if site else ""
    return Finding(
        title=f"{listed(who(child) for child in children)} died of {_error(event)}",
        steps=tuple(Step(f"raised {_error(one)}", one.process, one.at_ns, raised_at(one)) for one in events[:8]),
        why=_why(run, children[0]),
        fix=f"repair {shortened(line)}" if line and site and not is_library(site.file) else "repair the line that raised",
        fix_at=site,
        processes=children,
        places=tuple(dict.fromkeys(place for one in events for place in _places(one))),
        evidence=tuple(found for one in events for found in _evidence(run, one)),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
    )


def _error(event: Event) -> str:
    return shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "), 70)


def _evidence(run: Run, event: Event) -> Iterator[Evidence]:
    yield Evidence(event.ref, f"{who(event.process)} raised {_error(event)}")
    if event.process is not None:
        yield from death_evidence(run, event.process)


def _why(run: Run, process: Process) -> str:
    if told_of(run, process, processes.EXIT_CODE_READ):
        return "Its parent read the exit code, and the job failed."
    return "Nobody looked at its exit code: join() returns as if all were well."


def _places(event: Event) -> Iterator[Place]:
    site = raised_at(event)
    if site is not None:
        yield Place("raised", site, event.process)
    if event.process is not None and event.process.start_site is not None:
        yield Place("start", event.process.start_site, event.process.parent)
