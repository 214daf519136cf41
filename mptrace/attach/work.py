"""What the workers of pools and executors are in the middle of, and what was handed in and no worker has begun."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.attach.calls import describe, function_name, tasks_in
from mptrace.attach.channels import peek
from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.intents import place_of
from mptrace.attach.memory import Unreadable
from mptrace.attach.pools import is_owner
from mptrace.attach.seen import Frame, SeenProcess
from mptrace.attach.sight import HandedIn, SeenTask, Sight

POOL_WORKER, EXECUTOR_WORKER = ("multiprocessing/pool.py", "worker"), ("concurrent/futures/process.py", "_process_worker")
QUEUE_LIMIT = 1 << 16
"""Most bytes of a pool's queue of tasks that are looked into: all that a pipe holds."""


def know_work(sight: Sight, insights: dict[int, Insight]) -> None:
    """Note the task of every worker, and the work that lies before it."""
    for process in sight.job.living:
        insight = insights.get(process.pid)
        if process.pool and insight is not None:
            sight.tasks.extend(_task_of(process, insight))
    for insight in insights.values():
        for found in insight.walk.of("pool", "executor"):
            if is_owner(insight, found):
                sight.handed_in.extend(_handed_in(insight, found))


def _task_of(process: SeenProcess, insight: Insight) -> Iterator[SeenTask]:
    thread = process.threads.get(process.pid)
    for frame in thread.frames if thread else ():
        place = place_of(frame)
        if place in {POOL_WORKER, EXECUTOR_WORKER}:
            read = _of_pool if place == POOL_WORKER else _of_executor
            job, index, text = read(insight, frame)
            if job >= 0 and text:
                yield SeenTask(process.pid, process.pool, job, index, text)
            return


def _of_pool(insight: Insight, frame: Frame) -> tuple[int, int, str]:
    """Between two tasks a worker has set all of these to None."""
    job, index = (insight.number(frame.local(name), -1) for name in ("job", "i"))
    return job, max(index, 0), describe(insight, frame.local("func"), frame.local("args")) if job >= 0 else ""


def _of_executor(insight: Insight, frame: Frame) -> tuple[int, int, str]:
    item = insight.attributes(frame.local("call_item"))
    job = insight.number(item.get("work_id", 0), -1)
    return job, 0, describe(insight, item.get("fn", 0), item.get("args", 0)) if job >= 0 else ""


def _handed_in(insight: Insight, found: Found) -> Iterator[HandedIn]:
    pid, key = insight.process.pid, insight.object_key(found.address)
    tasks = _pending(insight, found) if found.what == "executor" else _queued(insight, found)
    yield from (HandedIn(pid, key, job, function) for job, function in dict(tasks).items() if key and function)


def _queued(insight: Insight, found: Found) -> Iterator[tuple[int, str]]:
    reader = insight.attributes(found.attributes.get("_inqueue", 0)).get("_reader", 0)
    return tasks_in(peek(insight.process.pid, insight.descriptor(reader), QUEUE_LIMIT))


def _pending(insight: Insight, found: Found) -> Iterator[tuple[int, str]]:
    """Yield number and function of the calls of an executor that are not done, those that are under way among them."""
    try:
        items = [*insight.objects.items(found.attributes.get("_pending_work_items", 0))]
    except Unreadable:
        return
    for number, item in items:
        call = insight.attributes(item)
        yield insight.number(number, -1), function_name(insight, call.get("fn", 0), call.get("args", 0))
