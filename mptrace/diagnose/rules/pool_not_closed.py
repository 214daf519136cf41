"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import was_interrupted
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks
from mptrace.wire.resource import OBJECT

LATE = ("exit", "collected")
"""Who ends a pool that the program did not end: the interpreter's exit handlers, the garbage collector."""


@rule(severity=Severity.HINT, needs=("pool",))
def pool_not_closed(run: Run) -> Iterator[Finding]:
    """A Pool was neither closed nor terminated by the program.

    Why it costs:
        Its workers, with all the memory they have, and three threads of the parent stay until the program ends. There they are
        terminated, whatever they are doing; a Pool that is collected earlier takes the results that nobody has fetched with it.

    How we know:
        No close(), terminate() or end of a `with` block was seen for it; it was ended by the interpreter's exit handlers or by
        the garbage collector.

    What to do:
        Use `with Pool() as pool:`, or pool.close() and pool.join() when the last task has been handed in.
    """
    for event in run.of(tasks.POOL):
        ends = [other for other in run.of(tasks.POOL_STATE) if other.number("pool") == event.number("pool")]
        pool = run.resource(OBJECT, unsigned(event.number("pool")))
        is_pool = pool is None or pool.kind == "Pool"
        if is_pool and ends and all(end.text("call") in LATE for end in ends) and not _cut(run, event):
            yield _finding(run, event, ends[0])


def _cut(run: Run, event: Event) -> bool:
    """Was the program kept from closing it?"""
    process = event.process
    return process is None or was_interrupted(run, process) or process.exit is None or not process.exit.clean


def _finding(run: Run, event: Event, end: Event) -> Finding:
    pool = run.resource(OBJECT, unsigned(event.number("pool")))
    workers, label = event.number("workers"), pool.label if pool else "a Pool"
    how = "until the program's end" if end.text("call") == "exit" else "until it was collected"
    return Finding(
        title=f"{label} was never closed: its {counted(workers, 'worker')} stayed {how}",
        steps=(
            Step(f"made {label}", event.process, event.at_ns, event.site),
            Step(f"ended it at its {'exit' if end.text('call') == 'exit' else 'collection'}", end.process, end.at_ns),
        ),
        why="No close(), terminate() or `with` block ended it.",
        fix="write `with Pool(...) as pool:`, or call close() and join() when the last task is in, for the pool made at",
        fix_at=event.site,
        processes=(event.process,) if event.process else (),
        resources=(pool,) if pool else (),
        places=(Place("creation", event.site, event.process),) if event.site else (),
        evidence=(Evidence(event.ref, "made"), Evidence(end.ref, f"ended: {end.text('call')}")),
        at_ns=end.at_ns,
    )
