"""Pickling: what could not be sent, and the path to the object to blame; what could not be rebuilt. Success costs nothing but a call."""

from __future__ import annotations

import threading
from time import monotonic_ns

from ...wire.events import failures
from ...wire.resource import NONE, OBJECT
from .. import (
    brief,
    budget,
    callsite,
    child,
    depth,
    entry,
    failure,
    guard,
    heavy,
    offender,
    originals,
    pools,
    recorder,
    tasks,
    twin,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "reduction"

_budget = budget.Budget(50, 1)

_RECEIVERS = {"_handle_results": "Pool result", "worker": "Pool task", "_process_worker": "Executor task"}
"""Functions of the library that receive in a thread or process where no line of the program does."""


class Failed:
    """What is known of something that could not be pickled: what it was, where the search for the offender begins, who sent it."""

    __slots__ = ("call", "key", "root", "roots", "site", "stack")

    def __init__(self, call: str, root: str, roots: list[tuple[str, object]], key: int, site: int, stack: int = 0) -> None:
        self.call, self.root, self.roots, self.key, self.site, self.stack = call, root, roots, key, site, stack


def install(module: ModuleType) -> None:
    """Watch ForkingPickler, which all of multiprocessing's messages go through, and ``dump``, which sends a Process."""
    if module.__name__ == "multiprocessing.reduction":
        pickler = module.ForkingPickler
        originals.patch(NAME, pickler, "dumps", twin.function("dumps", _dumps, _tell_dumped, heavy.timing, heavy.LARGE))
        originals.patch(NAME, pickler, "loads", twin.function("loads", _loads, _tell_loaded, heavy.timing, heavy.LARGE))
        originals.patch(NAME, module, "dump", _dump)


def _dumps(original: Callable[..., Any]) -> object:
    timing, large = heavy.timing, heavy.LARGE

    def dumps(cls: Any, obj: Any, protocol: Any = None) -> object:
        began = monotonic_ns() if timing else 0
        try:
            data = original(cls, obj, protocol)
        except Exception as error:
            _note(obj, error)
            failure.hide(error)
            raise
        if len(data) >= large:
            heavy.sent(obj, len(data), monotonic_ns() - began if began else 0, NAME)
        return data

    return dumps


def _tell_dumped(args: tuple[Any, ...], result: Any, error: Exception | None) -> None:
    if error is None:
        heavy.sent(args[1], len(result), 0, NAME)
    else:
        _note(args[1] if len(args) > 1 else None, error)


def _tell_loaded(args: tuple[Any, ...], _result: Any, error: Exception | None) -> None:
    if error is not None:
        _note_unpickled(error)
    elif type(args[0]) in (memoryview, bytes):
        heavy.received(len(args[0]), 0, NAME)


def _dump(original: Callable[..., object]) -> object:
    def dump(obj: Any, file: Any, protocol: Any = None) -> object:
        began = monotonic_ns()
        try:
            result = original(obj, file, protocol)
        except Exception as error:
            _note(obj, error)
            failure.hide(error)
            raise
        _note_large(obj, file, monotonic_ns() - began)
        return result

    return dump


def _note_large(what: Any, file: Any, took_ns: int) -> None:
    """Note a large Process on its way to a spawned child; what lies before it in the file is the preparation data, some hundred bytes."""
    try:
        size = file.tell()
        if size >= heavy.LARGE:
            heavy.sent(what, size, took_ns, NAME)
    except Exception:  # noqa: BLE001 - a file that cannot tell
        pass


def _loads(original: Callable[..., object]) -> object:
    timing, large, plain = heavy.timing, heavy.LARGE, (memoryview, bytes)

    def loads(data: Any, /, **options: Any) -> object:
        began = monotonic_ns() if timing else 0
        try:
            result = original(data, **options) if options else original(data)
        except Exception as error:
            _note_unpickled(error)
            failure.hide(error)
            raise
        if type(data) in plain and len(data) >= large:
            heavy.received(len(data), monotonic_ns() - began if began else 0, NAME)
        return result

    return loads


def _note(what: Any, error: Exception) -> None:
    try:
        if NAME in guard.off or not _budget.spend():
            return
        failed = _describe(what, entry.between(2))
        if failed is None:
            return
        too_deep = isinstance(error, (RecursionError, MemoryError))
        path, blame = depth.repeated(failed.roots) if too_deep else offender.find_in(failed.roots, error=error)
        recorder.log(
            failures.PICKLE_FAILED, failure.kind(error), failure.message(error), path, blame, failed.root, failed.call,
            OBJECT if failed.key else NONE, failed.key, failed.site, failed.stack, 0,
        )  # fmt: skip
    except Exception:
        guard.trouble(NAME)


def _describe(what: Any, between: list[str]) -> Failed | None:
    """Say in the program's words what was sent by whom, from the functions of the library that lie between."""
    kind, names = type(what).__name__, {name.rpartition(".")[2] for name in between}
    if "_handle_tasks" in names:
        return _pool_task(what)
    if "_feed" in names:
        return _executor_call(what) if kind == "_CallItem" else None  # an ordinary queue's feeder: the queues probe tells it
    if tasks.current is not None and ("worker" in names or "_sendback_result" in names):
        return _result(what, tasks.current)
    if hasattr(what, "_identity") and hasattr(what, "_config"):  # a Process
        roots = offender.process_roots(what)
        return Failed(entry.point(3), f"{what._name}: {child.target_name(what)}", roots, 0, callsite.here(), callsite.stack())
    call = entry.point(3)
    name = "item" if "Queue" in call else "message"
    return Failed(call, brief.value(what), [(name, what)], 0, callsite.here(), callsite.stack())


def _pool_task(task: Any) -> Failed:
    number, _, function, args, kwargs = task
    key, job = pools.job_numbered(number)
    called, name, arguments = tasks.describe(function, args, kwargs)
    roots: list[tuple[str, object]] = [("function", called)]
    if called is not function:
        roots += [("argument", item) for item in args[0][1]]
    else:
        roots += [("args", args), ("kwargs", kwargs)]
    call, site = (job.call, job.site) if job is not None else ("Pool task", 0)
    return Failed(call, f"{name}({arguments})", roots, key, site)


def _executor_call(item: Any) -> Failed:
    inode = getattr(threading.current_thread(), pools.ROLE, ("", 0))[1]
    key = inode | pools.EXECUTOR_BIT
    job = pools.job_of(key, item.work_id)
    called, name, arguments = tasks.describe(item.fn, item.args, item.kwargs)
    call, site = (job.call, job.site) if job is not None else ("Executor.submit", 0)
    roots: list[tuple[str, object]] = [("function", called), ("args", item.args), ("kwargs", item.kwargs)]
    return Failed(call, f"{name}({arguments})", roots, key, site)


def _result(what: Any, worker: tasks.Worker) -> Failed:
    worker.refused = True
    sent, word = _sent(what), "result"
    if isinstance(getattr(sent, "exc", sent), BaseException):
        sent, word = getattr(sent, "exc", sent), "error"
    call = "Executor result" if worker.pool & pools.EXECUTOR_BIT else "Pool result"
    return Failed(call, f"{word} of {worker.function}", [(word, sent)], worker.pool, worker.defined_at())


def _sent(what: Any) -> Any:
    """Return the value or exception in what a worker sends back."""
    if type(what) is tuple and len(what) == 3:
        return what[2][1]
    return getattr(what, "exception", None) or getattr(what, "result", what)


def _note_unpickled(error: Exception) -> None:
    try:
        if NAME in guard.off or not _budget.spend():
            return
        key = getattr(threading.current_thread(), pools.ROLE, ("", 0))[1] or (tasks.current.pool if tasks.current else 0)
        site = callsite.here() or failure.raised_at(error)
        recorder.log(
            failures.UNPICKLE_FAILED, failure.kind(error), failure.message(error), failure.text(error), _receiver(),
            OBJECT if key else NONE, key, site, callsite.stack(),
        )  # fmt: skip
    except Exception:
        guard.trouble(NAME)


def _receiver() -> str:
    between = entry.between(3)
    if "_ExecutorManagerThread" in str(type(threading.current_thread())):
        return "Executor result"
    for name in between:
        if name.rpartition(".")[2] in _RECEIVERS:
            return _RECEIVERS[name.rpartition(".")[2]]
    return entry.point(3) or (between[1] if len(between) > 1 else "")
