"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_step, was_interrupted
from mptrace.diagnose.finding import Finding, Place, Severity, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, how_it_ended, listed, who
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run

WITH_SEMAPHORES = frozenset((
    "Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier", "Queue", "JoinableQueue", "SimpleQueue",
    "Value", "Array", "Pool",
))  # fmt: skip
"""What has at least one named semaphore under spawn and forkserver; under fork they have no name any more once they are made."""


@rule(severity=Severity.HINT)
def leaked_semaphore(run: Run) -> Iterator[Finding]:
    """A process that had made locks or queues ended without its exit handlers: their semaphores were left behind.

    Why it fails:
        Under spawn and forkserver a semaphore has a name in /dev/shm, which the process that made it removes at its end. One
        that is killed, or leaves by os._exit, does not: Python's resource tracker removes them later and says so, "There appear
        to be 2 leaked semaphore objects", and if it was killed as well they stay.

    How we know:
        Which process made them, and that its exit handlers did not run.

    What to do:
        End the process in order: return, or sys.exit() instead of os._exit(); SIGTERM with a handler instead of SIGKILL.
    """
    for process in run.processes:
        made = [resource for resource in run.resources if resource.made_by is process and _is_named(resource)]
        if made and _left_them(run, process):
            yield _finding(run, process, made)


def _is_named(resource: Resource) -> bool:
    return resource.owner is None and resource.kind in WITH_SEMAPHORES


def _left_them(run: Run, process: Process) -> bool:
    """Did it end without its exit handlers, and of itself? Is fork nowhere in use?"""
    methods = {other.start_method for other in process.children if other.start_method} or {run.meta.start_method}
    cut = process.exit is not None and process.exit.known and not process.orderly and process.traced
    return cut and "fork" not in methods and "" not in methods and not run.meta.ended_by and not was_interrupted(run, process)


def _finding(run: Run, process: Process, made: list[Resource]) -> Finding:
    site = process.exit.by_site if process.exit else None
    sites = tuple(dict.fromkeys(resource.created_at for resource in made if resource.created_at))
    return Finding(
        title=f"{who(process)} {how_it_ended(process.exit)}, and left the semaphores of {listed(r.label for r in made)} behind",
        verdict=Verdict.LIKELY,
        steps=(death_step(process),),
        why=f"{counted(len(made), 'object')} with semaphores in /dev/shm; only its exit handlers would have removed them at once.",
        fix="end it in order: return or sys.exit() instead of os._exit() or a kill, at" if site else "end it in order; made at",
        fix_at=site or (sites[0] if sites else None),
        processes=(process,),
        resources=tuple(made),
        places=(*((Place("death", site, process),) if site else ()), *(Place("creation", at, process) for at in sites)),
        evidence=tuple(death_evidence(run, process)),
        at_ns=process.ended_ns,
    )
