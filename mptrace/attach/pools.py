"""Pools and executors: their workers and service threads, and the jobs whose tasks nobody has any more.

A task is lost only if *every* part of the pool was looked at and is idle: each worker waits for a new task with nothing of the
program on its stack, both pipes are empty, the task handler waits for work, and the result handler for a new message. (A first
study left the result handler out, which was in a callback of the program, and called a live job dead.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mptrace.attach.channels import read_fill
from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.intents import place_of
from mptrace.attach.memory import Unreadable
from mptrace.attach.results import callbacks_in_the_way, parts_left, results_of, what_it_died_of
from mptrace.attach.seen import Frame, SeenProcess, SeenThread
from mptrace.attach.sight import DeadThread, FailedCallback, LostTask, PoolState, Sight
from mptrace.observe import procfs
from mptrace.wire import wait

_HANDLERS = {
    "_worker_handler": "pool worker handler",
    "_task_handler": "pool task handler",
    "_result_handler": "pool result handler",
    "_executor_manager_thread": "executor manager",
}
_NUMBERED = re.compile(r"(.*-)(\d+)$")
_HEADER = 4
"""Bytes of a message's header: whoever reads so many waits for a new message."""


def know_pools(sight: Sight, insights: dict[int, Insight]) -> None:
    """Find the pools, executors and queues in the processes that made them, who works for them, and what they have lost."""
    for insight in insights.values():
        for found in insight.walk.of("queue"):
            _serve(insight, found.attributes.get("_thread", 0), insight.object_key(found.address))
        for found in insight.walk.of("pool", "executor"):
            if is_owner(insight, found):
                _know(sight, insights, insight, found)


def is_owner(insight: Insight, found: Found) -> bool:
    """Did this process start the workers? A forked child has a copy of its parent's pool, down to the Thread objects."""
    handler = thread_of(insight, found.attributes.get("_worker_handler", 0))
    if handler is not None and handler.tid != insight.process.pid:  # a worker that it forked has it as its main thread
        return True  # between two generations of workers its list may be empty
    parents = [insight.attributes(process).get("_parent_pid", 0) for process in worker_objects(insight, found)]
    return any(insight.number(parent) == insight.process.inner_pid for parent in parents)


def worker_objects(insight: Insight, found: Found) -> list[int]:
    """Return the Process objects of the workers."""
    try:
        if found.what == "executor":
            return [process for _, process in insight.objects.items(found.attributes.get("_processes", 0))]
        return list(insight.objects.sequence(found.attributes.get("_pool", 0)))
    except Unreadable:
        return []


def _native(insight: Insight, thread: int) -> int:
    return insight.number(insight.attributes(thread).get("_native_id", 0))


def thread_of(insight: Insight, address: int) -> SeenThread | None:
    """Return the thread that a Thread object of this process stands for; None if it has ended, or was its parent's."""
    native = _native(insight, address)
    return next((thread for thread in insight.process.threads.values() if thread.inner_tid == native), None)


def _serve(insight: Insight, thread: int, key: int) -> SeenThread | None:
    found = thread_of(insight, thread) if thread and key else None
    if found is not None:
        found.serves = key
    return found


def _know(sight: Sight, insights: dict[int, Insight], insight: Insight, found: Found) -> None:
    key = insight.object_key(found.address)
    if not key:
        return
    workers = [sight.job.processes[pid] for pid in _worker_pids(sight, insight, found) if pid in sight.job.processes]
    for worker in workers:
        worker.pool = key
    for name, role in _HANDLERS.items():
        address = found.attributes.get(name, 0)
        if not insight.attributes(address):
            continue
        thread = _serve(insight, address, key)
        if thread is None and _has_ended(insight, address) and insight.text(found.attributes.get("_state", 0)) == "RUN":
            title = insight.text(insight.attributes(address).get("_name", 0))
            what = what_it_died_of(insight, found) if role == "pool result handler" else ("", None)
            sight.dead_threads.append(DeadThread(insight.process.pid, _native(insight, address), title, role, key, *what))
    if found.what == "pool":
        sight.gone_workers += _gone(insight, found, workers)
        _know_state(sight, insight, found, key)
        sight.failed_callbacks.extend(_failed_callbacks(insight, found, key))
        jobs = _jobs(insight, found)
        if jobs and _are_read(insights, insight, found, workers) and _stands_idle(insight, found, workers):
            idle = _witnesses(insight, found, workers)
            sight.lost_tasks.extend(LostTask(insight.process.pid, key, job, left, idle) for job, left in jobs.items())


def _has_ended(insight: Insight, thread: int) -> bool:
    """Was a thread started that is not there? One that began since we looked is not among those seen, but there are more by now."""
    process = insight.process
    return _native(insight, thread) > 0 and process.threads.keys() >= set(procfs.tids(process.pid))


def _failed_callbacks(insight: Insight, found: Found, key: int) -> Iterator[FailedCallback]:
    """Yield the callbacks that raised a KeyError: the handler, which would have died of any other, waits for the next result."""
    handler, results = thread_of(insight, found.attributes.get("_result_handler", 0)), _results_pipe(insight, found)
    if handler is not None and _waits_for_message(handler, results):
        for job, callback in callbacks_in_the_way(insight, found):
            yield FailedCallback(insight.process.pid, key, job, callback, handler)


def _results_pipe(insight: Insight, found: Found) -> int:
    return insight.queue_pipe(found.attributes.get("_outqueue", 0), "_reader")


def _worker_pids(sight: Sight, insight: Insight, found: Found) -> Iterator[int]:
    """Yield the pids of the workers."""
    for process in worker_objects(insight, found):
        popen = insight.attributes(insight.attributes(process).get("_popen", 0))
        number = insight.number(popen.get("pid", 0))
        if number > 0:
            yield sight.names.outer_pid(insight.process, number)


def _gone(insight: Insight, found: Found, workers: list[SeenProcess]) -> list[str]:
    """Return the names of the workers that were replaced.

    A pool starts its workers, numbered in a row, and then its handler thread: whoever began later is a successor. (Of the same
    tick of a hundredth of a second, the higher number began later.)
    """
    handler = thread_of(insight, found.attributes.get("_worker_handler", 0))
    stat = procfs.stat(insight.process.pid, handler.tid) if handler is not None else None
    if stat is None:
        return []
    numbers = {worker.pid: _NUMBERED.match(worker.name) for worker in workers}
    begun = stat.start, handler.tid if handler is not None else 0
    later = [worker for worker in workers if (worker.stat.start, worker.pid) > begun]
    if not later or not all(numbers.values()):
        return [""] * len(later)
    front = next(match[1] for match in numbers.values() if match)
    first = min(int(match[2]) for worker in later if (match := numbers[worker.pid])) - len(workers)
    alive = {int(match[2]) for match in numbers.values() if match}
    gone = [f"{front}{number}" for number in range(first, first + len(workers)) if number not in alive]
    return gone if len(gone) == len(later) and first > 0 else [""] * len(later)


def _know_state(sight: Sight, insight: Insight, found: Found, key: int) -> None:
    state = insight.text(found.attributes.get("_state", 0))
    call = {"CLOSE": "close", "TERMINATE": "terminate"}.get(state)
    if call:
        sight.pool_states.append(PoolState(insight.process.pid, key, call, len(_jobs(insight, found))))


def _jobs(insight: Insight, found: Found) -> dict[int, int]:
    """Return job number -> parts of it without a result (-1: not known), from the pool's cache of results.

    A job whose results have all come is not among them: it is in the cache since a callback of the program raised.
    """
    jobs = {job: parts_left(insight, result) for job, result in results_of(insight, found).items()}
    return {job: left for job, left in jobs.items() if left}


def _are_read(insights: dict[int, Insight], insight: Insight, found: Found, workers: list[SeenProcess]) -> bool:
    """Is the pool in full operation, and could every worker be looked at?"""
    full = len(workers) == insight.number(found.attributes.get("_processes", 0))
    runs = insight.text(found.attributes.get("_state", 0)) in {"RUN", "CLOSE"}
    keeps = insight.is_none(found.attributes.get("_maxtasksperchild", 0))  # else workers are replaced all the time
    return full and runs and keeps and not any(worker.pid not in insights or worker.zombie for worker in workers)


def _stands_idle(insight: Insight, found: Found, workers: list[SeenProcess]) -> bool:
    """Is nothing on its way: no task at a worker, in a pipe or at a handler, no result in a pipe or at a callback?"""
    tasks, results = (insight.queue_pipe(found.attributes.get(name, 0), "_reader") for name in ("_inqueue", "_outqueue"))
    idle = bool(tasks and results) and all(_is_idle_worker(worker, insight, found) for worker in workers)
    return idle and _handlers_idle(insight, found, results) and _are_empty(insight.process.pid, found, insight)


def _witnesses(insight: Insight, found: Found, workers: list[SeenProcess]) -> tuple[SeenThread, ...]:
    handlers = (thread_of(insight, found.attributes.get(name, 0)) for name in ("_task_handler", "_result_handler"))
    mains = (worker.threads.get(worker.pid) for worker in workers)
    return tuple(thread for thread in (*handlers, *mains) if thread is not None)


def _is_idle_worker(worker: SeenProcess, insight: Insight, pool: Found) -> bool:
    """Does its main thread wait in get() of the task queue, for a message's first byte or for the queue's lock?"""
    thread = worker.threads.get(worker.pid)
    if thread is None or thread.wait is None or thread.wait.timeout_ns is not None:
        return False
    places = [place_of(frame) for frame in _above_worker(thread)]
    tasks = insight.attributes(pool.attributes.get("_inqueue", 0))
    if not places or places[-1] != ("multiprocessing/queues.py", "get"):
        return False
    if thread.wait.kind == wait.RECV:
        return thread.wait.key == insight.pipe_key(tasks.get("_reader", 0)) and thread.wait.detail == _HEADER
    return thread.wait.kind == wait.ACQUIRE and thread.wait.key == insight.semaphore_key(tasks.get("_rlock", 0))


def _above_worker(thread: SeenThread) -> list[Frame]:
    """Return the frames above pool.worker(), innermost first; nothing if the program is among them, or it is not there."""
    for number, frame in enumerate(thread.frames):
        if place_of(frame) == ("multiprocessing/pool.py", "worker"):
            return list(thread.frames[:number])
        if not frame.is_library:
            return []
    return []


def _handlers_idle(insight: Insight, found: Found, results: int) -> bool:
    """Does the task handler wait for work, and the result handler for the first byte of a message?"""
    task, result = (thread_of(insight, found.attributes.get(name, 0)) for name in ("_task_handler", "_result_handler"))
    if task is None or result is None or task.wait is None or result.wait is None or not (task.frames and result.frames):
        return False
    waits_for_work = task.wait.kind == wait.MUTEX_WAIT and place_of(task.frames[0])[1] == "_handle_tasks"
    return waits_for_work and _waits_for_message(result, results)


def _waits_for_message(thread: SeenThread, pipe: int) -> bool:
    """Does it wait for the first byte of a message, and is it in no code of the program?"""
    at_head = thread.wait is not None and thread.wait.kind == wait.RECV and thread.wait.detail == _HEADER
    return at_head and thread.wait is not None and thread.wait.key == pipe and all(frame.is_library for frame in thread.frames)


def _are_empty(pid: int, found: Found, insight: Insight) -> bool:
    """Is there nothing in the pipe of tasks and in that of results?"""
    readers = (insight.attributes(found.attributes.get(name, 0)).get("_reader", 0) for name in ("_inqueue", "_outqueue"))
    return all(read_fill(pid, descriptor).queued == 0 for descriptor in _descriptors(insight, readers))


def _descriptors(insight: Insight, connections: Iterable[int]) -> Iterator[int]:
    return (insight.descriptor(connection) for connection in connections)
