"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import losses
from mptrace.diagnose.wording import counted, verb, who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import resources
from mptrace.wire.resource import SEGMENT

OF_SEGMENTS = frozenset(("sharedctypes",))


@rule(severity=Severity.WARNING, needs=("sharedctypes",))
def leaked_shared_memory(run: Run) -> Iterator[Finding]:
    """Blocks of shared memory were made and never unlinked.

    Why it fails:
        A block lives until unlink() is called, not until its processes have closed it or ended: it is a file in /dev/shm, and
        takes memory. Python's resource tracker removes what it knows of when the program ends, with a warning; what it does not
        know of stays until the machine is restarted.

    How we know:
        The block was made with SharedMemory(create=True), and no process of the job called unlink() on it.

    What to do:
        Call unlink() once, in the process that made it, when everybody has closed it; or let a SharedMemoryManager do that.
    """
    if run.meta.end_ns is None or run.meta.ended_by or run.meta.attached:
        return
    gone = {unsigned(event.number("key")) for event in run.of(resources.CLOSED) if event.text("call") == "unlink"}
    by_line: dict[object, list[Event]] = {}
    for event in run.of(resources.MADE):
        if event.number("family") == SEGMENT and unsigned(event.number("key")) not in gone:
            by_line.setdefault((event.site, event.process), []).append(event)
    for events in by_line.values():
        yield _finding(run, events)


def _finding(run: Run, events: list[Event]) -> Finding:
    first, count = events[0], len(events)
    size = sum(event.number("number") for event in events)
    unsure = [*losses(run, of=OF_SEGMENTS), *_untraced(run)]
    return Finding(
        title=f"{who(first.process)} made {counted(count, 'block')} of shared memory and nobody unlinked {verb(count, 'it', 'them')}",
        verdict=Verdict.LIKELY if unsure else Verdict.PROVEN,
        steps=tuple(
            Step(f"made {event.text('detail') or 'a block'}", event.process, event.at_ns, event.site) for event in events[:3]
        ),
        why=f"{size:,} bytes of /dev/shm stay taken: close() only ends the use of a block in one process.",
        fix=f"call unlink() on the {verb(count, 'block', 'blocks')} when everybody is done with {verb(count, 'it', 'them')}; made at",
        fix_at=first.site,
        processes=(first.process,) if first.process else (),
        resources=tuple(r for r in run.resources if r.family == SEGMENT and r.created_at == first.site),
        places=(Place("creation", first.site, first.process),) if first.site else (),
        evidence=tuple(Evidence(event.ref, f"made {event.text('detail')}") for event in events[:20]),
        details=tuple(unsure),
        at_ns=first.at_ns,
    )


def _untraced(run: Run) -> list[str]:
    """Say who may have unlinked it without our knowing."""
    return [f"{who(process)} was not traced" for process in run.processes if not process.traced and not process.role.is_service][
        :1
    ]
