"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.statements import calls, function_at, is_in_with, statement_at
from mptrace.diagnose.wording import listed, who
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site

SHARED = frozenset(("Value", "Array"))
GUARDS = frozenset(("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"))


@rule(severity=Severity.WARNING, needs=("sharedctypes", "semlock"))
def unlocked_read_modify_write(run: Run) -> Iterator[Finding]:
    """Several processes add to a shared Value or Array without holding its lock in between.

    Why it fails:
        `v.value += 1` reads, adds and writes: the lock of the Value is held for the reading and for the writing, but not in
        between. What another process wrote in the meantime is lost.

    How we know:
        Several processes took the Value's lock last on a line that reads and writes it, and neither this line nor its function
        holds a lock around both. That an update was really lost was not seen.

    What to do:
        `with v.get_lock(): v.value += 1`.
    """
    for value in run.resources:
        lock = value.parts.get("_lock") if value.kind in SHARED else None
        if lock is not None:
            users = [(p, p.last_takes[lock]) for p in run.processes if lock in p.last_takes]
            unguarded = [(process, site) for process, site in users if _is_unguarded(run, site)]
            if len(unguarded) > 1:
                yield _finding(run, value, unguarded)


def _is_unguarded(run: Run, site: Site) -> bool:
    """Does the line read, change and write without a lock around it, as far as its function tells?"""
    statement, function = statement_at(run, site), function_at(run, site)
    if not isinstance(statement, ast.AugAssign) or not isinstance(statement.target, (ast.Attribute, ast.Subscript)):
        return False
    return not is_in_with(run, site) and not (function is not None and calls(function, "acquire"))


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
        lowered=Severity.HINT if _may_be_guarded(run, users) else None,
    )


def _may_be_guarded(run: Run, users: list[tuple[Process, Site]]) -> bool:
    """Do they share a lock of the program that a caller of that function may hold?"""
    locks = [resource for resource in run.resources if resource.owner is None and resource.kind in GUARDS]
    return any(all(process in lock.knowers for process, _ in users) for lock in locks)
