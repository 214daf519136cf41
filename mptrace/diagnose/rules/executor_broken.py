"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_places, last_task, submitted, was_interrupted, was_ordered
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import standstills
from mptrace.diagnose.wording import counted, how_it_ended, shortened, who
from mptrace.model.event import Event
from mptrace.model.moment import Doing
from mptrace.model.process import Process, Role
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks


@rule(needs=("executor",), explains=("killed-by-signal", "segfault", "hard-exit", "oom-killed", "uncaught-exception", "stalled"))
def executor_broken(run: Run) -> Iterator[Finding]:
    """A worker of a ProcessPoolExecutor died, and with it all that was submitted.

    Why it fails:
        An executor does not go on after a worker has died: every future that is not done raises BrokenProcessPool, which does
        not say which worker died, of what, and in which call.

    How we know:
        The executor declared itself broken, and that worker was the first one to end.

    What to do:
        Repair the call during which the worker died. To go on after a death, make a new executor and submit again what failed.
    """
    for event in run.of(tasks.BROKEN):
        pool = next((resource for resource in run.resources if resource.key == unsigned(event.number("pool"))), None)
        yield _finding(run, event, pool, _first_dead(run, event, pool))


def _first_dead(run: Run, event: Event, pool: Resource | None) -> Process | None:
    """Return the worker that ended first by itself; the executor ends the others."""
    workers = [p for p in run.processes if p.role is Role.EXECUTOR_WORKER and (p.pool is pool or p.parent is event.process)]
    dead = [
        p for p in workers if p.exit is not None and not p.exit.clean and not was_ordered(run, p) and not was_interrupted(run, p)
    ]
    if run.meta.attached and len(dead) > 1:  # nobody saw which of them was the first
        return None
    return min(dead, key=lambda process: process.ended_ns or 0, default=None)


def _finding(run: Run, event: Event, pool: Resource | None, dead: Process | None) -> Finding:
    task = last_task(run, dead) if dead else None
    lost = counted(event.number("pending"), "future") if event.number("pending") > 0 else ""
    return Finding(
        title=_title(dead, task, pool),
        steps=tuple(_steps(event, dead, task)),
        why=f"A ProcessPoolExecutor is broken once a worker has died{': ' + lost + ' got BrokenProcessPool instead of a result' if lost else ''}.",
        fix=_fix(task, dead),
        fix_at=dead.exit.by_site if dead and dead.exit else None,
        processes=tuple(process for process in (dead, event.process) if process),
        resources=(pool,) if pool else (),
        places=tuple(_places(run, dead, task, pool)),
        evidence=(
            Evidence(event.ref, f"the executor broke: {shortened(event.text('cause'))}"),
            *(death_evidence(run, dead) if dead else ()),
        ),
        at_ns=dead.ended_ns if dead else event.at_ns,
        lowered=Severity.HINT if _is_coped_with(run) else None,
    )


def _is_coped_with(run: Run) -> bool:
    """Did the job go on all the same: does it go well, or, seen from outside, does nothing in it stand still?"""
    return run.meta.status == 0 or (run.meta.attached and not any(standstill.groups for standstill in standstills(run)))


def _title(dead: Process | None, task: Doing | None, pool: Resource | None) -> str:
    label = pool.label if pool else "the executor"
    if dead is None:
        return f"{label} broke: a worker ended, which one is not known"
    during = f" during {shortened(task.text, 44)}" if task and task.text else ""
    return f"{who(dead)} {how_it_ended(dead.exit)}{during}, and {label} broke with it"


def _steps(event: Event, dead: Process | None, task: Doing | None) -> Iterator[Step]:
    if task:
        yield Step(f"began {shortened(task.text)}", dead, task.since_ns)
    if dead:
        yield Step(how_it_ended(dead.exit), dead, dead.ended_ns, dead.exit.by_site if dead.exit else None)
    yield Step("found its executor broken", event.process, event.at_ns)


def _places(run: Run, dead: Process | None, task: Doing | None, pool: Resource | None) -> Iterator[Place]:
    if dead is not None:
        yield from death_places(dead)
    call = submitted(run, pool, task.job if task else None)
    if call is not None and call.site is not None:
        yield Place("submitted", call.site, call.process)
    if pool is not None and pool.created_at is not None:
        yield Place("creation", pool.created_at, pool.made_by)


def _fix(task: Doing | None, dead: Process | None) -> str:
    if dead and dead.exit and dead.exit.by_site:
        return "raise an exception here instead of ending the worker:"
    return f"repair what ends a worker in {shortened(task.text, 44)}" if task and task.text else "find out what ended the worker"
