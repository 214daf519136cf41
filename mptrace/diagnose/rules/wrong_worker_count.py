"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.amounts import percent, seconds
from mptrace.diagnose.costs import Effort, Work, effort_of, works_of
from mptrace.diagnose.deaths import events_of
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, who
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import processes

LEAST_NS = 5_000_000_000
"""So long must the tasks of a pool take together."""

CROWDED, BEYOND = 2.0, 2
"""So many times the cores, and so many more than them, must on average be the threads that run or would."""

MOSTLY = 0.6
"""Part of their tasks' time that the workers must have computed, or waited for a core, to say that there are too many of them."""

IDLE = 0.2
"""Part of its tasks' time that a worker may compute, or wait for a core, at most, to say that its tasks wait."""

ALWAYS = 0.7
"""Part of the time between its first and its last task that a worker must have had one, to say that more were waiting."""

SOME = 20
"""Tasks that a pool must have had, to say that they wait: few may be meant to."""


@rule(severity=Severity.HINT, needs=("pool", "executor"))
def wrong_worker_count(run: Run) -> Iterator[Finding]:
    """A pool has more busy threads than there are cores, or workers that only wait for something outside.

    Why it costs:
        More threads than cores take turns on them, and each worker has its memory all the same; a numerical library starts a
        thread a core in every worker. Workers whose tasks wait for a disk or a network could be many more, or threads.

    How we know:
        The CPU time of the workers and how many of their threads ran or waited for a core, as seen from outside; how long
        they were inside of tasks; and how many cores the job may use.

    What to do:
        Leave out the number of workers (it is that of the cores), and set OMP_NUM_THREADS=1 for libraries with threads of
        their own; for tasks that wait, use more workers, or a ThreadPoolExecutor.
    """
    for work in works_of(run):
        efforts = {worker: effort for worker in work.workers if (effort := effort_of(run, worker)) is not None}
        if work.busy_ns < LEAST_NS or not efforts:
            continue
        if _is_crowded(run, work, efforts):
            yield _crowded(run, work, efforts)
        elif _only_waits(work, efforts):
            yield _waiting(work, efforts)


def _span(work: Work) -> int:
    """Return the time between the first call that handed in tasks and the end of the last worker."""
    begun = work.handed_in[0].at_ns if work.handed_in else min(worker.started_ns for worker in work.workers)
    return max(max(worker.ended_ns or 0 for worker in work.workers) - begun, 1)


def _is_crowded(run: Run, work: Work, efforts: dict[Process, Effort]) -> bool:
    cores, together = run.meta.cores, _together(work)
    runnable = sum(sorted((effort.runnable for effort in efforts.values()), reverse=True)[:together])
    computed = sum(_after_start(run, worker, effort) for worker, effort in efforts.items())
    return bool(cores) and runnable >= max(CROWDED * cores, cores + BEYOND) and computed >= MOSTLY * work.busy_ns


def _after_start(run: Run, worker: Process, effort: Effort) -> int:
    """Return how long a worker computed, or waited for a core, apart from its start, which is no task."""
    begun = next(iter(events_of(run, worker, processes.RUNNING)), None)
    start_ns = begun.at_ns - worker.started_ns if begun else 0
    return max(effort.cpu_ns + (effort.delay_ns or 0) - start_ns, 0)


def _together(work: Work) -> int:
    """Return how many workers there were at a time, at most."""
    return max(sum(other.alive_at(worker.started_ns) for other in work.workers) for worker in work.workers)


def _only_waits(work: Work, efforts: dict[Process, Effort]) -> bool:
    """Do all workers have tasks all the time, that hardly compute, and wait for nothing inside of the job?"""
    if len(efforts) < len(work.workers) or any(effort.delay_ns is None for effort in efforts.values()):
        return False
    cpu = sum(effort.cpu_ns + (effort.delay_ns or 0) for effort in efforts.values())
    always = all(worker.busy_ns >= ALWAYS * _span(work) for worker in work.workers)
    return (
        work.messages >= SOME
        and always
        and cpu <= IDLE * work.busy_ns
        and not any(_waited(work, worker) for worker in work.workers)
    )


def _waited(work: Work, worker: Process) -> bool:
    """Was it seen to wait, inside of a task, for a lock, a queue or a process of the job?"""
    return any(past.kind and past.resource is not None and past.resource.outermost is not work.pool for past in worker.past)


def _crowded(run: Run, work: Work, efforts: dict[Process, Effort]) -> Finding:
    cores, workers = run.meta.cores, _together(work)
    threads = max(effort.threads for effort in efforts.values())
    runnable = sum(effort.runnable for effort in efforts.values()) / len(efforts)
    if runnable >= 1.5:
        each = max(round(cores / workers), 1)
        title = f"{counted(workers, 'worker')} of {work.pool.label} with up to {threads} threads each compete for {counted(cores, 'core')}"
        fix = f"set OMP_NUM_THREADS={each} (and OPENBLAS_NUM_THREADS, MKL_NUM_THREADS) before the start, or use fewer workers, at"
    else:
        title = f"{counted(workers, 'worker')} of {work.pool.label} compete for {counted(cores, 'core')}"
        fix = f"leave out the number of workers, which then is {cores}, at"
    return _finding(
        work, efforts, title, f"On average {runnable * workers:.0f} of their threads ran or waited for a core at a time.", fix
    )


def _waiting(work: Work, efforts: dict[Process, Effort]) -> Finding:
    cpu = sum(effort.cpu_ns + (effort.delay_ns or 0) for effort in efforts.values())
    title = f"the tasks of {work.pool.label} wait {percent(work.busy_ns - cpu, work.busy_ns)} of their time: its {counted(len(work.workers), 'worker')} could be many more"
    why = f"Of the {seconds(work.busy_ns)} that they were inside of tasks they computed {seconds(cpu)}; for nothing in the job were they seen to wait."
    return _finding(
        work, efforts, title, why, "use a ThreadPoolExecutor with many threads, or more workers (max_workers=...), at"
    )


def _finding(work: Work, efforts: dict[Process, Effort], title: str, why: str, fix: str) -> Finding:
    made, maker = work.pool.created_at, work.pool.made_by
    return Finding(
        title=title,
        steps=(
            Step(f"made {work.pool.label} with {counted(work.pool.number or len(work.workers), 'worker')}", maker, None, made),
        ),
        why=why,
        fix=fix,
        fix_at=made,
        processes=work.workers,
        resources=(work.pool,),
        places=(Place("creation", made, maker),) if made else (),
        evidence=tuple(Evidence(effort.ref, f"CPU time of {who(worker)}") for worker, effort in list(efforts.items())[:5]),
    )
