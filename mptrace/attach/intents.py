"""The call of the program that led to a wait: the library's outermost function above the program's innermost frame."""

from __future__ import annotations

from collections.abc import Callable

from mptrace.attach.insight import Insight
from mptrace.attach.seen import Frame, SeenThread, SeenWait
from mptrace.wire import resource, wait

_KINDS = {
    ("multiprocessing/queues.py", "get"): wait.ITEM,
    ("multiprocessing/queues.py", "put"): wait.ROOM,
    ("multiprocessing/queues.py", "join"): wait.TASKS_DONE,
    ("multiprocessing/queues.py", "join_thread"): wait.FEEDER_END,
    ("multiprocessing/queues.py", "_finalize_join"): wait.FEEDER_END,
    ("multiprocessing/synchronize.py", "wait"): wait.NOTIFY,
    ("multiprocessing/synchronize.py", "wait_for"): wait.NOTIFY,
    ("multiprocessing/pool.py", "join"): wait.POOL_END,
    ("concurrent/futures/process.py", "shutdown"): wait.POOL_END,
    ("concurrent/futures/_base.py", "result"): wait.FUTURE,
    ("concurrent/futures/_base.py", "exception"): wait.FUTURE,
    ("concurrent/futures/_base.py", "result_iterator"): wait.FUTURE,
    ("concurrent/futures/process.py", "_chain_from_iterable_of_lists"): wait.FUTURE,
    ("multiprocessing/managers.py", "_callmethod"): wait.CALL,
    ("multiprocessing/util.py", "_exit_function"): wait.EXIT,
    ("multiprocessing/process.py", "start"): wait.START,
}
_POOL_RESULTS = frozenset({"get", "wait", "map", "apply", "starmap", "next", "__next__"})
_SYNC = {"event": wait.FLAG, "condition": wait.NOTIFY, "barrier": wait.PARTIES}

Wanted = tuple[int, int, int]
"""Kind of wait, family and key."""


def read_intent(insight: Insight, thread: SeenThread) -> SeenWait | None:
    """Return what the program asked for when it came to wait; None if it is the wait itself, or unknown."""
    if thread.wait is None:
        return None
    calls = _library_calls(thread.frames)
    for frame in reversed(calls):
        wanted = _wanted(insight, frame, calls)
        if wanted is not None and wanted[0] != thread.wait.kind:
            return SeenWait(*wanted, timeout_ns=thread.wait.timeout_ns, detail=_detail(insight, wanted[0], frame, calls))
    return None


def _library_calls(frames: tuple[Frame, ...]) -> list[Frame]:
    """Return the library's frames above the program's innermost one, innermost first."""
    number = next((number for number, frame in enumerate(frames) if not frame.is_library), len(frames))
    return list(frames[:number])


def place_of(frame: Frame) -> tuple[str, str]:
    """Return the file, below the library's folder, and the bare name of a frame's function."""
    inside = frame.file.partition("/python3.")[2].partition("/")[2]
    return inside, frame.function.rpartition(".")[2]


def _wanted(insight: Insight, frame: Frame, calls: list[Frame]) -> Wanted | None:
    file, function = place_of(frame)
    if file == "multiprocessing/pool.py" and function in _POOL_RESULTS:
        return wait.RESULT, resource.OBJECT, _pool_of(insight, frame)
    if file == "threading.py" and function == "wait" and _holds_barrier(insight, frame):
        return wait.PARTIES, resource.OBJECT, insight.object_key(frame.local("self"))
    kind = _KINDS.get((file, function))
    if kind is None:
        return None
    return _MAKERS.get(kind, _nothing)(insight, frame, kind, calls)


def _detail(insight: Insight, kind: int, frame: Frame, calls: list[Frame]) -> int:
    """Return the number of the job that a result is waited for, or the parties of a barrier."""
    if kind == wait.PARTIES:
        return insight.number(insight.attributes(frame.local("self")).get("_parties", 0))
    if kind != wait.RESULT:
        return 0
    jobs = (insight.attributes(one.local("self")).get("_job", 0) for one in calls)
    return next((insight.number(job) for job in jobs if job), 0)


def _object(insight: Insight, frame: Frame, kind: int, _: list[Frame]) -> Wanted | None:
    key = insight.object_key(frame.local("self"))
    return (kind, resource.OBJECT, key) if key else None


def _sync(insight: Insight, frame: Frame, _: int, __: list[Frame]) -> Wanted | None:
    found = insight.found(frame.local("self"))
    kind = _SYNC.get(found.what) if found else None
    return (kind, resource.OBJECT, insight.object_key(frame.local("self"))) if kind else None


def _executor(insight: Insight, _: Frame, kind: int, __: list[Frame]) -> Wanted | None:
    """A future does not know its executor: it is told if there is only one."""
    keys = {insight.object_key(found.address) for found in insight.walk.of("executor")} - {0}
    return (kind, resource.OBJECT, keys.pop()) if len(keys) == 1 else None


def _nothing(_: Insight, __: Frame, kind: int, ___: list[Frame]) -> Wanted | None:
    return kind, resource.NONE, 0


_MAKERS: dict[int, Callable[[Insight, Frame, int, list[Frame]], Wanted | None]] = {
    wait.ITEM: _object,
    wait.ROOM: _object,
    wait.TASKS_DONE: _object,
    wait.FEEDER_END: _object,
    wait.NOTIFY: _sync,
    wait.POOL_END: _object,
    wait.FUTURE: _executor,
    wait.EXIT: _nothing,
    wait.START: _nothing,
}


def _holds_barrier(insight: Insight, frame: Frame) -> bool:
    found = insight.found(frame.local("self"))
    return found is not None and found.what == "barrier"


def _pool_of(insight: Insight, frame: Frame) -> int:
    """Return the OBJECT key of the pool behind Pool.map(), AsyncResult.get() or an iterator's next()."""
    found = insight.found(frame.local("self"))
    if found is None:
        return 0
    pool = found.address if found.what == "pool" else found.attributes.get("_pool", 0)
    return insight.object_key(pool)
