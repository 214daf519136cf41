"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_step, was_interrupted
from mptrace.diagnose.finding import Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import how_it_ended, listed, who
from mptrace.model.process import Process, Role
from mptrace.model.run import Run

LONGER_NS = 1_000_000_000
"""A child that ends so soon after its parent noticed by itself."""


@rule(severity=Severity.WARNING)
def orphaned(run: Run) -> Iterator[Finding]:
    """A child outlives the parent that should have ended it.

    Why it fails:
        A parent that is killed, or leaves by os._exit, runs no exit handlers: its children are neither joined nor terminated,
        and go on, or wait, without it.

    How we know:
        The parent's end, and that the child was there more than a second later. From outside: the child's own Process object
        names its parent, and no process of that number is older than the child.

    What to do:
        End the parent in order (SIGTERM with a handler, sys.exit); or let the child notice: multiprocessing.parent_process()
        and its sentinel, or EOF of a pipe.
    """
    left: dict[Process, list[Process]] = {}
    for process in run.processes:
        parent = process.parent
        made_by_library = process.role in (Role.CHILD, Role.WORKER, Role.EXECUTOR_WORKER)
        if parent is not None and made_by_library and _outlived(run, process, parent):
            left.setdefault(parent, []).append(process)
    for parent, children in left.items():
        yield _finding(run, parent, children)


def _outlived(run: Run, process: Process, parent: Process) -> bool:
    if parent.ended_ns is None or parent.orderly or parent.exit is None or was_interrupted(run, parent):
        return False
    if not parent.exit.known and not run.meta.attached:
        return False
    last = process.ended_ns if process.ended_ns is not None else run.seen_ns
    return last > parent.ended_ns + LONGER_NS


def _finding(run: Run, parent: Process, children: list[Process]) -> Finding:
    sites = tuple(dict.fromkeys(child.start_site for child in children if child.start_site))
    names, its = listed(who(child) for child in children), "its" if len(children) == 1 else "their"
    ends = (Step("ended at last", child, child.ended_ns) for child in children if child.ended_ns)
    return Finding(
        title=f"{names} outlived {its} parent {who(parent)}, which {how_it_ended(parent.exit)}",
        steps=(death_step(parent), *ends),
        why="A parent that ends without its exit handlers neither joins nor terminates its children.",
        fix=f"end {who(parent)} in order, or have the {'child' if len(children) == 1 else 'children'} look at "
        "multiprocessing.parent_process().sentinel",
        fix_at=sites[0] if sites else None,
        processes=(*children, parent),
        places=tuple(Place("start", site, parent) for site in sites),
        evidence=tuple(death_evidence(run, parent)),
        at_ns=parent.ended_ns,
    )
