"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.sharing import at_the_same_time
from mptrace.diagnose.statements import calls, function_at, is_in_with, statement_at
from mptrace.diagnose.wording import listed, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import shared

SHARED = frozenset(("Value", "Array"))
GUARDS = frozenset(("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"))


@rule(severity=Severity.WARNING, needs=("sharedctypes", "semlock"))
def unlocked_read_modify_write(run: Run) -> Iterator[Finding]:
    """Several processes add to a shared Value or Array, or to what a manager holds, without a lock held in between.

    Why it fails:
        `v.value += 1` reads, adds and writes: the lock of the Value is held for the reading and for the writing, but not in
        between. What another process wrote in the meantime is lost.

    How we know:
        Several processes took the Value's lock last on a line that reads and writes it, and neither this line nor its function
        holds a lock around both; or several, at work at the same time, stored through a manager's proxy on such a line. That an
        update was really lost was not seen; where the key or index is a variable, each may well have its own.

    What to do:
        `with v.get_lock(): v.value += 1`; of a manager's dict, take a manager.Lock() around the line.
    """
    for value in run.resources:
        lock = value.parts.get("_lock") if value.kind in SHARED else None
        if lock is not None:
            users = [(p, p.last_takes[lock]) for p in run.processes if lock in p.last_takes]
            unguarded = [(process, site) for process, site in users if _is_unguarded(run, site)]
            if len(unguarded) > 1:
                yield _finding(run, value, unguarded)
    for events in _by_object(run):
        yield _of_proxy(run, events)


def _is_unguarded(run: Run, site: Site) -> bool:
    """Does the line read, change and write without a lock around it, as far as its function tells?"""
    function = function_at(run, site)
    return (
        _is_update(statement_at(run, site))
        and not is_in_with(run, site)
        and not (function is not None and calls(function, "acquire"))
    )


def _is_update(statement: ast.stmt | None) -> bool:
    """Is it ``v.value += 1``, ``d[key] = d[key] + 1`` or ``v.set(v.get() + 1)``?"""
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.target, (ast.Attribute, ast.Subscript))
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], (ast.Attribute, ast.Subscript)):
        target = ast.unparse(statement.targets[0])
        return any(
            ast.unparse(node) == target for node in ast.walk(statement.value) if isinstance(node, type(statement.targets[0]))
        )
    called = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(called, ast.Call) or not isinstance(called.func, ast.Attribute) or called.func.attr != "set":
        return False
    read = f"{ast.unparse(called.func.value)}.get()"
    return any(ast.unparse(node) == read for argument in called.args for node in ast.walk(argument) if isinstance(node, ast.Call))


def _is_any_item(statement: ast.stmt | None) -> bool:
    """Is it an item whose key or index the line does not tell, so that it may be another one in each process?"""
    target = (
        statement.target
        if isinstance(statement, ast.AugAssign)
        else statement.targets[0]
        if isinstance(statement, ast.Assign)
        else None
    )
    return isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant)


def _by_object(run: Run) -> Iterator[list[Event]]:
    """Yield the stores of each object of a manager by processes that were at work at the same time, without a lock around."""
    stores: dict[tuple[int, str], dict[Process, Event]] = {}
    for event in run.of(shared.WRITTEN):
        if event.process is not None and event.site is not None and _is_unguarded(run, event.site):
            stores.setdefault((event.number("key"), event.text("object")), {}).setdefault(event.process, event)
    for by_process in stores.values():
        events = list(by_process.values())
        together = [one for one in events if any(one is not other and at_the_same_time(run, one, other) for other in events)]
        if len(together) > 1:
            yield together


def _of_proxy(run: Run, events: list[Event]) -> Finding:
    users = [(event.process, event.site) for event in events if event.process and event.site]
    site, kind = users[0][1], events[0].text("proxy")
    line = run.source_line(site.file, site.line)
    return Finding(
        title=f"{listed(who(process) for process, _ in users)} change a manager's {kind} without a lock: updates may be lost",
        verdict=Verdict.POSSIBLE,
        steps=tuple(Step(f"reads and writes the {kind}", event.process, event.at_ns, event.site) for event in events[:4]),
        why=f"{line} is one call to read and another to write; what another process writes in between is lost.",
        fix="take a Lock of the manager (manager.Lock()) around",
        fix_at=site,
        processes=tuple(process for process, _ in users),
        places=tuple(dict.fromkeys(Place("change", at, process) for process, at in users)),
        evidence=tuple(Evidence(e.ref, f"{who(e.process)} stored through {e.text('method')}") for e in events[:10]),
        at_ns=events[0].at_ns,
        lowered=Severity.HINT if _may_be_in_order(run, users) else None,
    )


def _finding(run: Run, value: Resource, users: list[tuple[Process, Site]]) -> Finding:
    sites = tuple(dict.fromkeys(site for _, site in users))
    line = run.source_line(sites[0].file, sites[0].line)
    return Finding(
        title=f"{listed(who(process) for process, _ in users)} change {value.label} without holding its lock: updates may be lost",
        verdict=Verdict.POSSIBLE,
        steps=tuple(Step(f"reads and writes {value.label}", process, None, site) for process, site in users[:4]),
        why=f"{line} takes the lock to read and again to write, but does not hold it in between.",
        fix=f"write `with {value.name or 'it'}.get_lock():` around",
        fix_at=sites[0],
        processes=tuple(process for process, _ in users),
        resources=(value,),
        places=tuple(Place("change", site, process) for process, site in users),
        lowered=Severity.HINT if _may_be_in_order(run, users) else None,
    )


def _may_be_in_order(run: Run, users: list[tuple[Process, Site]]) -> bool:
    """May each change an item of its own, or a caller hold a lock of the program that they share?"""
    if all(_is_any_item(statement_at(run, site)) for _, site in users):
        return True
    locks = [resource for resource in run.resources if resource.owner is None and resource.kind in GUARDS]
    return any(all(process in lock.knowers for process, _ in users) for lock in locks)
