"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from mptrace.diagnose.amounts import percent, seconds
from mptrace.diagnose.deaths import events_of
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.statements import import_line
from mptrace.diagnose.wording import counted, listed, who
from mptrace.model.event import Event
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import processes

SHARE = 0.5
"""Part of the children's life that their start must be."""

LEAST_NS = 3_000_000_000
"""So long must all starts together take."""

SLOW_NS = 750_000_000
"""So long must half of them take: an interpreter alone needs a tenth of that, several times as long on a busy machine."""

MODULES = 30
"""So many modules must a package have to be worth a word."""


@rule(severity=Severity.HINT, needs=("process",))
def slow_start(run: Run) -> Iterator[Finding]:
    """Children spend most of their life starting: a new interpreter, and the imports of the main script.

    Why it costs:
        Under spawn and forkserver a child imports the main script and what that imports before it does any work: half a second
        for numpy, several for torch, in each child.

    How we know:
        The time from the making of each child to the call of its target, without its waits for a core, against the time until
        its end; when it had imported the main script; of a slow one, the number of modules by package.

    What to do:
        Import what only the parent needs below the main guard; keep workers (Pool, executor) instead of starting new ones; use
        forkserver with set_forkserver_preload().
    """
    starts = [(process, begun) for process in run.processes if (begun := _began_work(run, process)) is not None]
    took = [_took(run, process, begun) for process, begun in starts]
    spent = sum(took)
    lived = spent + sum((process.ended_ns or 0) - begun.at_ns for process, begun in starts)
    slow = bool(starts) and median(took) >= SLOW_NS
    if slow and spent >= LEAST_NS and spent > SHARE * lived and not run.meta.ended_by:
        yield _finding(run, starts, spent, lived)


def _began_work(run: Run, process: Process) -> Event | None:
    """Return when a child that has ended called its target; None for a forked one, which starts at once."""
    if process.role not in (Role.CHILD, Role.WORKER, Role.EXECUTOR_WORKER) or process.start_method in ("", "fork"):
        return None
    begun = events_of(run, process, processes.RUNNING)
    return begun[0] if begun and process.ended_ns is not None and process.started_ns else None


def _took(run: Run, process: Process, begun: Event) -> int:
    """Return how long a start took, without its waits for a core, which are the machine's; 0 if those are not known."""
    imported = next(iter(events_of(run, process, processes.IMPORTED)), None)
    waited_ms = imported.number("delay_ms") if imported else -1
    return max(begun.at_ns - process.started_ns - waited_ms * 1_000_000, 0) if waited_ms >= 0 else 0


def _finding(run: Run, starts: list[tuple[Process, Event]], spent: int, lived: int) -> Finding:
    children = tuple(process for process, _ in starts)
    slowest, begun = max(starts, key=lambda one: one[1].at_ns - one[0].started_ns)
    took = seconds(begun.at_ns - slowest.started_ns)
    package, line = _heaviest_import(run, slowest)
    costly = f"import {package} only where it is needed, or below the main guard, at" if line else ""
    return Finding(
        title=f"{counted(len(children), 'child', 'children')} spent {percent(spent, lived)} of their life starting: {seconds(spent)} in all",
        steps=(Step(f"called its target {took} after it was made", slowest, begun.at_ns, slowest.start_site),),
        why=_phases(run, starts),
        fix=costly
        or "start fewer children that live longer (a Pool), and import less in the main script outside of the main guard; started at",
        fix_at=line or slowest.start_site,
        processes=children,
        places=tuple(
            Place(role, site, slowest.parent) for role, site in (("start", slowest.start_site), ("import", line)) if site
        ),
        evidence=tuple(Evidence(event.ref, f"{who(process)} called its target") for process, event in starts[:10]),
        at_ns=begun.at_ns,
    )


def _phases(run: Run, starts: list[tuple[Process, Event]]) -> str:
    """Return how long the parts of a start took, of the child in the middle."""
    process, begun = sorted(starts, key=lambda one: one[1].at_ns - one[0].started_ns)[len(starts) // 2]
    booted = events_of(run, process, processes.BOOTED)
    if not booted:
        return f"Each of {listed(who(child) for child, _ in starts)} started an interpreter and imported the main script first."
    received = [event for event in events_of(run, process, processes.BOOTSTRAP_PHASE) if not event.text("error")]
    ready_ns = received[0].at_ns if received else begun.at_ns
    interpreter, main = max(booted[0].at_ns - process.started_ns, 0), max(ready_ns - booted[0].at_ns, 0)
    told = f"{who(process)} took {seconds(interpreter)} for the interpreter and {seconds(main)} for the main script and what it imports"
    imported = next(iter(events_of(run, process, processes.IMPORTED)), None)
    return f"{told}{_modules(imported)}." if imported else f"{told}."


def _modules(imported: Event) -> str:
    packages = ", ".join(f"{count} of {package}" for package, count in _packages(imported)[:3])
    return f": {imported.number('modules'):,} modules" + (f", {packages}" if packages else "")


def _packages(imported: Event) -> list[tuple[str, int]]:
    """Return the packages with so many modules that they matter, and their number."""
    words = (word.split() for word in imported.text("packages").split(",") if word)
    return [(package, int(count)) for package, count in words if int(count) >= MODULES]


def _heaviest_import(run: Run, process: Process) -> tuple[str, Site | None]:
    """Return the package with the most modules that the main script imports at its top, and the line."""
    imported = next(iter(events_of(run, process, processes.IMPORTED)), None)
    for package, _ in _packages(imported) if imported else ():
        line = import_line(run, run.meta.script, package)
        if line is not None:
            return package, line
    return "", None
