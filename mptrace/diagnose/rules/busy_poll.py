"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.amounts import percent, seconds
from mptrace.diagnose.costs import lived_ns
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import shared

LEAST_NS = 400_000_000
"""So much CPU time must such a loop have used."""

SHARE = 0.2
"""Part of its process's life that it must have gone on."""


@rule(severity=Severity.HINT, needs=("connection",))
def busy_poll(run: Run) -> Iterator[Finding]:
    """A loop asks again and again whether there is something to receive, and uses up a core.

    Why it costs:
        empty(), poll() and get_nowait() return at once. In a loop without a wait they take a core from the processes that
        would do the work, and slow down those that use the same queue.

    How we know:
        The calls on one line that found nothing, right one after another, and the CPU time of their thread meanwhile.

    What to do:
        Wait instead of asking: get(), recv(), poll(timeout), or multiprocessing.connection.wait() for several at once.
    """
    last: dict[tuple[Process, Site], Event] = {}
    for event in run.of(shared.POLLS):
        if event.process is not None and event.site is not None:
            last[event.process, event.site] = event
    for (process, site), event in last.items():
        if event.number("cpu_ns") >= LEAST_NS and event.number("took_ns") >= SHARE * lived_ns(run, process):
            yield _finding(run, process, site, event)


def _finding(run: Run, process: Process, site: Site, event: Event) -> Finding:
    count, took, cpu = (event.number(name) for name in ("count", "took_ns", "cpu_ns"))
    line = run.source_line(site.file, site.line)
    return Finding(
        title=f"{who(process)} asked {count:,} times in vain whether there was something to receive, and used {seconds(cpu)} of CPU time for it",
        steps=(Step(f"asked: {shortened(line)}" if line else "asked", process, None, site),),
        why=f"The loop went on for {seconds(took)}, {percent(took, lived_ns(run, process))} of the life of {who(process)}.",
        fix="wait instead of asking: get() or recv() return when there is something, with a timeout if there is other work, at",
        fix_at=site,
        processes=(process,),
        places=(Place("poll", site, process),),
        evidence=(Evidence(event.ref, "calls that found nothing"),),
        at_ns=event.at_ns,
    )
