"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.statements import statement_at
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import tasks

MANY = 10
"""Calls of one line, before it is worth a hint."""

LOOKED_AT = 500
"""So many calls of each process are looked at: there may be millions, and a line that does this does it from the beginning."""

AT_ONCE = frozenset(("Pool.apply",))
"""Calls that wait for their result themselves."""

ANSWERS = {"submit": "result", "apply_async": "get"}
"""Method that hands a task in -> method of what it returns that waits for the result."""


@rule(severity=Severity.HINT, needs=("pool", "executor"))
def serialised_futures(run: Run) -> Iterator[Finding]:
    """Each task is waited for before the next one is handed in: one worker works, and the others never do.

    Why it costs:
        `executor.submit(f, x).result()` in a loop, or `pool.apply(f, (x,))`, has one task in flight at a time: it is slower
        than calling f(x), by the way to the worker and back.

    How we know:
        The same line handed in one task after the other, and waits for each result itself.

    What to do:
        Hand all in first, `futures = [executor.submit(f, x) for x in xs]`, and then ask for the results; or use map().
    """
    by_line: dict[Site, list[Event]] = {}
    for event in run.first(LOOKED_AT, tasks.SUBMITTED):
        if event.site is not None:
            by_line.setdefault(event.site, []).append(event)
    for site, events in by_line.items():
        if len(events) >= MANY and (events[0].text("call") in AT_ONCE or _waits_at_once(run, site)):
            yield _finding(run, site, events)


def _waits_at_once(run: Run, site: Site) -> bool:
    """Does the statement ask what it has just handed in for its result?"""
    statement = statement_at(run, site)
    nodes = ast.walk(statement) if isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)) else ()
    for node in nodes:
        func = node.func if isinstance(node, ast.Call) else None
        inner = func.value.func if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Call) else None
        if isinstance(func, ast.Attribute) and isinstance(inner, ast.Attribute) and ANSWERS.get(inner.attr) == func.attr:
            return True
    return False


def _finding(run: Run, site: Site, events: list[Event]) -> Finding:
    line, first, last = run.source_line(site.file, site.line), events[0], events[-1]
    seconds = (last.at_ns - first.at_ns) / 1e9
    call = first.text("call") or "submit"
    count = f"{len(events)} tasks" if len(events) < LOOKED_AT else f"its tasks, {len(events)} and more,"
    return Finding(
        title=f"{who(first.process)} waits for each of {count} before it hands in the next: one worker works at a time",
        steps=(
            Step(f"handed in the first with {call}()", first.process, first.at_ns, site),
            Step(f"handed in number {len(events)}, {seconds:.1f} s later", last.process, last.at_ns, site),
        ),
        why=f"{shortened(line) or 'The line'} has one task in flight at a time; calling the function itself would be faster.",
        fix="hand all tasks in first and ask for the results afterwards, or use map(), instead of",
        fix_at=site,
        processes=(first.process,) if first.process else (),
        places=(Place("submitted", site, first.process),),
        evidence=(Evidence(first.ref, "the first"), Evidence(last.ref, f"number {len(events)}")),
        at_ns=first.at_ns,
    )
