"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_step, was_interrupted
from mptrace.diagnose.finding import Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import how_it_ended, who
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
        The parent's end, and that the child was there more than a second later.

    What to do:
        End the parent in order (SIGTERM with a handler, sys.exit); or let the child notice: multiprocessing.parent_process()
        and its sentinel, or EOF of a pipe.
    """
    for process in run.processes:
        parent = process.parent
        if (
            parent is not None
            and process.role in (Role.CHILD, Role.WORKER, Role.EXECUTOR_WORKER)
            and _outlived(run, process, parent)
        ):
            yield _finding(run, process, parent)


def _outlived(run: Run, process: Process, parent: Process) -> bool:
    if parent.ended_ns is None or parent.orderly or parent.exit is None or not parent.exit.known or was_interrupted(run, parent):
        return False
    last = process.ended_ns if process.ended_ns is not None else run.meta.end_ns or 0
    return last > parent.ended_ns + LONGER_NS


def _finding(run: Run, process: Process, parent: Process) -> Finding:
    return Finding(
        title=f"{who(process)} outlived its parent {who(parent)}, which {how_it_ended(parent.exit)}",
        steps=(death_step(parent), *((Step("ended at last", process, process.ended_ns),) if process.ended_ns else ())),
        why="A parent that ends without its exit handlers neither joins nor terminates its children.",
        fix=f"end {who(parent)} in order, or have the child look at multiprocessing.parent_process().sentinel",
        fix_at=process.start_site,
        processes=(process, parent),
        places=(Place("start", process.start_site, parent),) if process.start_site else (),
        evidence=tuple(death_evidence(run, parent)),
        at_ns=parent.ended_ns,
    )
