"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.statements import MUTATORS, statement_at
from mptrace.diagnose.wording import an, listed, who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import shared


@rule(severity=Severity.WARNING, needs=("managers",))
def managed_value_mutated(run: Run) -> Iterator[Finding]:
    """A list or dict that was taken out of a manager's proxy is changed, and the change is lost.

    Why it fails:
        What a proxy returns is a copy. `d["logic"].append(name)` fetches the list, appends to the copy and drops it; the
        manager's list stays as it was.

    How we know:
        The call returned a plain list, dict or set, and the line changes it without storing it back.

    What to do:
        Store it back, `d["logic"] = d["logic"] + [name]`; or put a manager.list() into the dict instead of a list.
    """
    told: dict[Site, list[Event]] = {}
    for event in run.of(shared.COPY_TAKEN):
        if event.site is not None and _changes_copy(statement_at(run, event.site)):
            told.setdefault(event.site, []).append(event)
    for site, events in told.items():
        yield _finding(run, site, events)


def _changes_copy(statement: ast.stmt | None) -> bool:
    """Does the statement change what it has just taken out of something, and drop it?"""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = statement.value.func
        return isinstance(called, ast.Attribute) and called.attr in MUTATORS and _is_taken(called.value)
    targets = (
        statement.targets
        if isinstance(statement, (ast.Assign, ast.Delete))
        else [statement.target]
        if isinstance(statement, ast.AugAssign)
        else []
    )
    return any(isinstance(target, ast.Subscript) and _is_taken(target.value) for target in targets)


def _is_taken(node: ast.expr) -> bool:
    """Is it an item or attribute of something, or the result of ``get``?"""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "setdefault")
    return isinstance(node, (ast.Subscript, ast.Attribute))


def _finding(run: Run, site: Site, events: list[Event]) -> Finding:
    first = events[0]
    processes = tuple(dict.fromkeys(event.process for event in events if event.process))
    line, kind = run.source_line(site.file, site.line), first.text("container")
    return Finding(
        title=f"{listed(who(process) for process in processes)} changed a copy of {an(kind)} in a manager's {first.text('proxy')}: the change is lost",
        verdict=Verdict.LIKELY,
        steps=tuple(
            Step(f"took {an(kind)} out of the {first.text('proxy')} and changed it", e.process, e.at_ns, site) for e in events[:4]
        ),
        why=f"{line} changes the copy that the proxy returned; nothing stores it back.",
        fix=f"store the changed {kind} back, or put a manager.{kind}() in its place where it is made; changed at",
        fix_at=site,
        processes=processes,
        places=tuple(Place("change", site, process) for process in processes),
        evidence=tuple(Evidence(e.ref, f"{who(e.process)} got {an(kind)} from {e.text('method')}") for e in events[:10]),
        at_ns=first.at_ns,
    )
