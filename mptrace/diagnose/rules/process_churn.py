"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import who
from mptrace.model.event import Event
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import processes

MANY = 30
"""Children of one line, before it is worth a hint."""

SHORT_NS = 500_000_000
"""Half of them must live less long."""


@rule(severity=Severity.HINT, needs=("process",))
def process_churn(run: Run) -> Iterator[Finding]:
    """A process is started for each task, where a few workers would do.

    Why it costs:
        Starting a process costs milliseconds under fork and a tenth of a second or more under spawn; a task that is handed to
        a worker of a Pool costs a tenth of a millisecond.

    How we know:
        The same line started many children, and half of them lived for less than half a second.

    What to do:
        Use a Pool or ProcessPoolExecutor with as many workers as there are cores, and map() the tasks.
    """
    by_line: dict[Site, list[Process]] = {}
    for process in run.processes:
        if process.role is Role.CHILD and process.start_site is not None and process.ended_ns is not None:
            by_line.setdefault(process.start_site, []).append(process)
    for site, children in by_line.items():
        lives = [(child.ended_ns or 0) - child.started_ns for child in children]
        if len(children) >= MANY and median(lives) < SHORT_NS:
            yield _finding(run, site, children, int(median(lives)))


def _finding(run: Run, site: Site, children: list[Process], life_ns: int) -> Finding:
    first, starts = children[0], _starts(run, site)
    spent = sum(event.number("took_ns") for event in starts) / 1e9
    return Finding(
        title=f"{who(first.parent)} started {len(children)} processes on one line, half of which lived for less than {life_ns / 1e9:.2f} s",
        steps=(Step(f"started the first of {len(children)}", first.parent, first.started_ns, site),),
        why=f"start() alone took {spent:.1f} s of its time in all; a worker of a Pool takes the next task at once.",
        fix="use a Pool or ProcessPoolExecutor and map() the tasks, instead of a process for each at",
        fix_at=site,
        processes=tuple(one for one in (first.parent,) if one),
        places=(Place("start", site, first.parent),),
        evidence=tuple(Evidence(event.ref, "started one") for event in starts[:5]),
        at_ns=first.started_ns,
    )


def _starts(run: Run, site: Site) -> list[Event]:
    return [event for event in run.of(processes.STARTED) if event.site == site]
