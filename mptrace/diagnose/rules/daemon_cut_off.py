"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, program_frame, told_of, was_interrupted
from mptrace.diagnose.finding import Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import shortened, who
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import processes

ENDLESS = ("iter", "count", "cycle", "repeat")
"""Callables that a loop of a service runs over."""


@rule(severity=Severity.WARNING, needs=("process",))
def daemon_cut_off(run: Run) -> Iterator[Finding]:
    """A daemonic child was ended in the middle of its work, since its parent came to its end.

    Why it fails:
        When a program ends, multiprocessing joins its children, but terminates the daemonic ones with SIGTERM at once: no
        `finally` runs, files stay half written, and what was to be sent is not.

    How we know:
        The exit handlers of the parent sent the signal; the child did not wait for anything then, and its target is a loop
        that would have ended. The line is where its Python stack was at the signal. A target that loops for ever, or waits for work,
        is a service: it is not told of.

    What to do:
        join() the child before the program ends, or make it with daemon=False, so that the exit waits for it.
    """
    for process in run.processes:
        if process.daemon and process.role is Role.CHILD and _ended_by_exit(run, process) and not _waited(run, process):
            loop = _loop_of(run, process)
            if loop is not None:
                yield _finding(run, process, loop)


def _ended_by_exit(run: Run, process: Process) -> bool:
    sent = told_of(run, process, processes.SIGNALLED)
    cut = process.exit is not None and process.exit.signal is not None and not process.orderly
    return cut and any(event.text("call") == "exit" for event in sent) and not was_interrupted(run, process)


def _waited(run: Run, process: Process) -> bool:
    """Did it wait for something when it was ended?"""
    return any(wait.thread.process is process for moment in run.moments if moment.final for wait in moment.waits)


def _loop_of(run: Run, process: Process) -> Site | None:
    """Return the loop of its target that would have come to an end; None if there is none, or one that would not."""
    target = process.target_site
    function = _function_at(run, target) if target else None
    if target is None or function is None:
        return None
    loops = [node for node in ast.walk(function) if isinstance(node, (ast.For, ast.AsyncFor, ast.While))]
    if not loops or any(isinstance(node, ast.While) or _is_endless(node) for node in loops):
        return None
    return Site(target.file, loops[0].lineno, function.name)


def _function_at(run: Run, site: Site) -> ast.FunctionDef | None:
    try:
        tree = ast.parse("\n".join(run.sources.get(site.file, [])))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return next((one for one in functions if site.line in (one.lineno, *(d.lineno for d in one.decorator_list))), None)


def _is_endless(loop: ast.For | ast.AsyncFor) -> bool:
    over = loop.iter
    name = (getattr(over.func, "id", "") or getattr(over.func, "attr", "")) if isinstance(over, ast.Call) else ""
    return name in ENDLESS


def _finding(run: Run, process: Process, loop: Site) -> Finding:
    parent, child, started = who(process.parent), who(process), process.start_site
    sent, at = told_of(run, process, processes.SIGNALLED), program_frame(process)
    return Finding(
        title=f"{child} was ended in the middle of {loop.function}(): it is a daemon, and {parent} came to its end",
        verdict=Verdict.LIKELY,
        steps=(
            Step(f"began {loop.function}()", process, process.started_ns, loop),
            *(Step(f"came to its end and sent SIGTERM to {child}", event.process, event.at_ns) for event in sent[:1]),
            *((Step(f"was ended at {_line(run, at)}", process, process.ended_ns, at),) if at else ()),
        ),
        why="At its end a program joins its children, but terminates those that are daemons.",
        fix=f"join() {child} before the program ends, or start it with daemon=False, at",
        fix_at=started,
        processes=tuple(one for one in (process, process.parent) if one),
        places=(
            *((Place("cut off", at, process),) if at else ()),
            Place("cut off", loop, process),
            *((Place("start", started, process.parent),) if started else ()),
        ),
        evidence=tuple(death_evidence(run, process)),
        details=tuple(process.last_words),
        at_ns=process.ended_ns,
    )


def _line(run: Run, at: Site) -> str:
    return f"`{shortened(run.source_line(at.file, at.line))}`" if run.source_line(at.file, at.line) else f"{at.function}()"
