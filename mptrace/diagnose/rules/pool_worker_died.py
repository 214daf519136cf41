"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_places, events_of, last_task, submitted, was_interrupted, was_ordered
from mptrace.diagnose.finding import Finding, Place, Step, Verdict
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import place_of, wants
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import OF_WAITS, last_waits, losses
from mptrace.diagnose.wording import counted, how_it_ended, shortened, who
from mptrace.model.moment import Doing, Wait
from mptrace.model.process import Process, Role
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds
from mptrace.wire.events import failures, processes, tasks

Death = tuple[Process, Doing | None]
"""A worker, and the task that it was in the middle of."""


@rule(
    needs=("pool", "process"),
    explains=(ANY_WAIT, "killed-by-signal", "segfault", "hard-exit", "oom-killed", "uncaught-exception"),
)
def pool_worker_died(run: Run) -> Iterator[Finding]:
    """A worker of a Pool died in the middle of a task, whose result will never come.

    Why it hangs:
        A Pool replaces a dead worker, but does not know which task it had. The task is not run again, and whoever waits for
        its result, or for all results of map(), waits for ever.

    How we know:
        The worker had begun the task, had not sent a result, and ended.

    What to do:
        Find out why the worker died. concurrent.futures.ProcessPoolExecutor raises BrokenProcessPool instead of waiting; or
        wait with a timeout: map_async(...).get(timeout).
    """
    lost: dict[Resource | None, list[Death]] = {}
    for process in run.processes:
        if process.role is Role.WORKER and not process.alive and not _was_meant(run, process):
            task = last_task(run, process)
            if _left_a_task(run, process) if process.orderly else task is not None:
                lost.setdefault(process.pool or (task.pool if task else None), []).append((process, task))
    for pool, deaths in lost.items():
        yield _finding(run, pool, sorted(deaths, key=lambda death: death[0].ended_ns or 0))


def _was_meant(run: Run, process: Process) -> bool:
    """Did the pool stop it, or the whole job; or did it end before the pool was closed down anyway?"""
    stopped = [
        event
        for event in run.of(tasks.POOL_STATE)
        if event.text("call") != "close" and _is_pool_of(event.number("pool"), process)
    ]
    ended = process.ended_ns or 0
    return was_ordered(run, process) or was_interrupted(run, process) or any(event.at_ns <= ended for event in stopped)


def _is_pool_of(key: int, process: Process) -> bool:
    return process.pool is not None and process.pool.key == key


def _left_a_task(run: Run, process: Process) -> bool:
    """Did it end by SystemExit, or another exception that is no Exception, which a worker does not hand back?"""
    raised = any(event.text("where") == "process" for event in events_of(run, process, failures.UNCAUGHT))
    failed = bool(events_of(run, process, tasks.INITIALIZER_FAILED))
    in_task = raised and last_task(run, process) is not None
    return not failed and (in_task or bool(events_of(run, process, processes.SYSTEM_EXIT)))


def _finding(run: Run, pool: Resource | None, deaths: list[Death]) -> Finding:
    jobs = {task.job for _, task in deaths if task}
    waiting, moment = last_waits(run, lambda wait: _is_for(wait, pool, jobs))
    unsure, first = [*losses(run, of=OF_WAITS), *_unseen(run, deaths)], deaths[0][0]
    dead = [process for process, _ in deaths]
    return Finding(
        title=_title(deaths),
        verdict=Verdict.LIKELY if unsure else Verdict.PROVEN,
        steps=tuple(sorted(_steps(deaths, waiting), key=lambda step: step.at_ns or 0)),
        why="A Pool starts a new worker, but never hands a lost task out again.",
        fix=_fix(first),
        fix_at=first.exit.by_site if first.exit else None,
        processes=tuple(dict.fromkeys([*dead, *(wait.thread.process for wait in waiting)])),
        resources=(pool,) if pool else (),
        places=tuple(_places(run, deaths, waiting, pool)),
        evidence=tuple(one for process in dead for one in death_evidence(run, process)),
        details=tuple(unsure),
        at_ns=first.ended_ns,
        moment=moment,
    )


def _unseen(run: Run, deaths: list[Death]) -> list[str]:
    """Say so if attach saw no task that was lost: workers that die between two tasks lose none."""
    return [] if not run.meta.attached or any(task for _, task in deaths) else ["which task it was in was not seen"]


def _title(deaths: list[Death]) -> str:
    first, task = deaths[0]
    what = shortened(task.text, 44) if task and task.text else f"the task of {who(first)}"
    more = f" and {counted(len(deaths) - 1, 'more task')}" if len(deaths) > 1 else ""
    return f"{what}{more} will never finish: {who(first)} {how_it_ended(first.exit)}"


def _is_for(wait: Wait, pool: Resource | None, jobs: set[int]) -> bool:
    """Does it wait for one of the lost results, or for the whole pool?"""
    if wait.call.target is not pool or wait.call.kind not in (kinds.RESULT, kinds.POOL_END):
        return False
    return wait.call.kind == kinds.POOL_END or not jobs or wait.call.detail in jobs


def _steps(deaths: list[Death], waiting: tuple[Wait, ...]) -> Iterator[Step]:
    for process, task in deaths[:4]:
        if task and len(deaths) == 1:
            yield Step(f"began {shortened(task.text)}", process, task.since_ns)
        into = f", {(process.ended_ns - task.since_ns) / 1e9:.1f} s into that task" if task and process.ended_ns else ""
        yield Step(
            f"{how_it_ended(process.exit)}{into}", process, process.ended_ns, process.exit.by_site if process.exit else None
        )
    yield from (wants(wait) for wait in waiting)


def _places(run: Run, deaths: list[Death], waiting: tuple[Wait, ...], pool: Resource | None) -> Iterator[Place]:
    yield from (Place("waiter", site, wait.thread.process) for wait in waiting if (site := place_of(wait)))
    yield from dict.fromkeys(place for process, _ in deaths for place in death_places(process))
    calls = [submitted(run, pool, task.job if task else None) for _, task in deaths]
    yield from dict.fromkeys(Place("submitted", call.site, call.process) for call in calls if call and call.site)
    if pool is not None and pool.created_at is not None:
        yield Place("creation", pool.created_at, pool.made_by)


def _fix(process: Process) -> str:
    other = "concurrent.futures.ProcessPoolExecutor raises BrokenProcessPool instead of waiting"
    if process.exit and process.exit.by_site and process.exit.signal is None:
        return f"raise an exception instead of {process.exit.call or 'leaving'}(), which ends the worker; {other}. It left at"
    if process.exit and process.exit.signal == 9 and process.exit.by == "outside":
        return (
            f"SIGKILL from outside is most often the kernel, out of memory: give a task less to do, or use fewer workers; {other}"
        )
    return f"repair what ended the worker; {other}"
