"""Executors: how they were made; those that have declared themselves broken; those that have work, and nobody to do it."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Unreadable
from mptrace.attach.pools import is_owner, thread_of, worker_objects
from mptrace.attach.seen import SeenThread
from mptrace.attach.sight import Breakage, MadeExecutor, Sight, Starvation
from mptrace.wire import wait

_MANAGER_THREAD = "_executor_manager_thread"


def know_executors(sight: Sight, insights: dict[int, Insight]) -> None:
    """Note the executors, those of which their process says that they are broken, and those without workers."""
    for insight in insights.values():
        for found in insight.walk.of("executor"):
            cause, key = insight.text(found.attributes.get("_broken", 0)), insight.object_key(found.address)
            manager = thread_of(insight, found.attributes.get(_MANAGER_THREAD, 0))
            if not key or not (manager is not None or is_owner(insight, found)):
                continue
            sight.executors.append(_made(insight, found, key))
            if cause:
                ended = tuple(_ended(sight, insight, found))
                sight.breakages.append(Breakage(insight.process.pid, key, cause, _pending(insight, found), ended))
            elif manager is not None and _is_starved(insight, found, manager):
                sight.starvations.append(Starvation(insight.process.pid, key, _pending(insight, found), manager))


def _made(insight: Insight, found: Found, key: int) -> MadeExecutor:
    workers, limit = (insight.number(found.attributes.get(name, 0)) for name in ("_max_workers", "_max_tasks_per_child"))
    return MadeExecutor(insight.process.pid, key, workers, limit, _start_method(insight, found))


def _start_method(insight: Insight, found: Found) -> str:
    """Return the method of its context by that one's class: SpawnContext."""
    context = found.attributes.get("_mp_context", 0)
    actual = insight.attributes(context).get("_actual_context", 0)
    try:
        name = insight.objects.class_of(actual or context)[1]
    except Unreadable:
        return ""
    return name.removesuffix("Context").lower() if name.endswith("Context") else ""


def _is_starved(insight: Insight, found: Found, manager: SeenThread) -> bool:
    """Has it calls to do and no worker, while its thread, which starts them, only waits for a word?

    That thread waits for the results' pipe and for its wake-up alone then, without a timeout.
    """
    polls = manager.wait is not None and manager.wait.kind == wait.READY and manager.wait.timeout_ns is None
    waits = any(frame.function.endswith("wait_result_broken_or_wakeup") for frame in manager.frames[:4])
    return polls and waits and not worker_objects(insight, found) and _pending(insight, found) > 0


def _ended(sight: Sight, insight: Insight, found: Found) -> Iterator[tuple[int, int]]:
    """Yield (pid, status) of the workers that its Process objects know to have ended."""
    for process in worker_objects(insight, found):
        popen = insight.attributes(insight.attributes(process).get("_popen", 0))
        pid, status = insight.number(popen.get("pid", 0)), popen.get("returncode", 0)
        if pid > 0 and status and not insight.is_none(status):
            yield sight.names.outer_pid(insight.process, pid), insight.number(status)


def _pending(insight: Insight, found: Found) -> int:
    """Return how many calls it has not given an exception yet: it forgets them as it goes."""
    try:
        return len([*insight.objects.items(found.attributes.get("_pending_work_items", 0))])
    except Unreadable:
        return 0
