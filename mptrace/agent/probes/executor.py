"""ProcessPoolExecutor: its shape, its workers, the calls it was handed, who waits for a future, and how it ends or breaks."""

from __future__ import annotations

import sys
from _weakref import ref
from functools import partial

from ...wire import wait
from ...wire.events import resources, tasks
from ...wire.resource import OBJECT
from .. import brief, budget, callsite, entry, failure, guard, life, originals, pools, recorder, waits
from ..tasks import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "executor"

CALLS, SITE = "_mptrace_calls", "_mptrace_site"
"""Attributes of an executor (its Calls) and of an exception on its way back (where it was raised)."""


class Calls:
    """What we keep for an executor: key, how many more calls may be told, where futures are waited for, its last job and its function."""

    __slots__ = ("budget", "function", "job", "key", "place")

    def __init__(self, key: int) -> None:
        self.key, self.budget, self.place = key, budget.Budget(20, 50), waits.Place(key)
        self.job, self.function = pools.Job("", "", -1, 1), _gone

    def new_job(self, number: int, call: str, function: Any, site: int) -> pools.Job:
        """Return the job of a call that is not like the one before."""
        job = self.job = pools.Job(call, _name(function), site, 1)
        pools.remember(self.key, number, job)
        life.submit(_called(function))
        try:
            self.function = ref(function)
        except TypeError:
            self.function = _gone
        return job


def _gone() -> None:
    """Stand for a reference to a function that is not there any more."""


def install(module: ModuleType) -> None:
    """Watch the class ProcessPoolExecutor, its manager thread, and its worker processes."""
    executor = module.ProcessPoolExecutor
    originals.patch(NAME, executor, "__init__", _init)
    originals.patch(NAME, executor, "shutdown", _shutdown)
    originals.patch(NAME, module._WorkItem, "__init__", partial(_work_item_init, home=module.__dict__))
    originals.patch(NAME, module._ExecutorManagerThread, "terminate_broken", _terminate_broken)
    originals.patch(NAME, module._ExceptionWithTraceback, "__init__", _exception_init)
    life.at_bootstrap.append(_in_child)
    pools.plain_items.add(module._CallItem)


def _init(original: Callable[..., object]) -> object:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(self, *args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        try:
            _alive[:] = [known for known in _alive if known() is not None] + [ref(self)]
            _made(self)
        except Exception:
            guard.trouble(NAME)

    return init


_alive: list[Any] = []
"""References to all executors: if there is only one, nobody need look up whose call it is, which costs more than all else of it."""


def _made(executor: Any) -> None:
    key = pools.key_of_executor(executor._call_queue)
    if not key:
        return
    executor.__dict__[CALLS] = Calls(key)
    pools.forget(key)
    site, initializer, workers = callsite.here(), executor._initializer, executor._max_workers
    recorder.log(
        tasks.POOL, key, workers, brief.name_of(initializer) if initializer else "",
        getattr(executor, "_max_tasks_per_child", None) or 0, executor._mp_context.get_start_method() or "", site,
    )  # fmt: skip
    recorder.log(resources.MADE, OBJECT, key, "ProcessPoolExecutor", site, "", workers)
    for role in ("_call_queue", "_result_queue"):
        inode = pools.pipe_key(getattr(executor, role))
        pools.served[inode] = key
        recorder.log(resources.PART, OBJECT, inode, OBJECT, key, role)
    pools.served_end(executor._result_queue._reader)
    pools.served_end(getattr(getattr(executor, "_executor_manager_thread_wakeup", None), "_reader", None))


def _called(function: Any) -> Any:
    """Return what the program handed in: of a chunk of map(), its function."""
    inner = getattr(function, "func", None)
    return function.args[0] if getattr(inner, "__name__", "") == "_process_chunk" else function


def _name(function: Any) -> str:
    return brief.name_of(_called(function))


def _work_item_init(original: Callable[..., object], home: dict[str, Any]) -> object:
    """Note a call as its number is given out: ``submit`` makes its item under the executor's lock, so no frame of ours is above it."""
    note, above_us, alive = _note_call, sys._getframe, _alive

    def init(self: Any, future: Any, fn: Any, args: Any, kwargs: Any) -> None:
        original(self, future, fn, args, kwargs)
        try:
            frame: Any = above_us(1)
            while frame is not None and frame.f_globals is not home:  # who wrapped it as well has a frame in between
                frame = frame.f_back
            executor: Any = None
            if frame is not None:
                executor = alive[0]() if len(alive) == 1 else frame.f_locals.get("self")
            calls = executor.__dict__.get(CALLS) if executor is not None else None
            if calls is not None:
                note(calls, executor._queue_count, frame.f_back, fn, future._condition)
        except Exception:
            guard.trouble(NAME)

    return init


def _note_call(calls: Calls, number: int, caller: Any, function: Any, condition: Any) -> None:
    """Note a call; one like the one before (the same line hands in the same function) needs next to nothing."""
    frame = callsite.program_frame(caller)
    site = 0 if frame is None else callsite.frame_number(frame)
    call = "Executor.submit" if frame is caller else "Executor.map"  # no caller: atexit has none
    job = calls.job
    if job.site != site or calls.function() is not function or job.call is not call:
        job = calls.new_job(number, call, function, site)
    job.last = number
    condition.wait = partial(_wait, ref(condition), calls.place, number)
    if calls.budget.spend():
        recorder.log(tasks.SUBMITTED, calls.key, number, 1, job.function, job.call, job.site)


def _wait(condition: Any, place: waits.Place, number: int, timeout: Any = None) -> object:
    """Whoever has to wait for this one future says so; the class Future stays as it is, and no frame of ours gets into its errors.

    What hangs on the condition must not hold it, or every future would wait for the garbage collector.
    """
    this = condition()
    saved = waits.begin(wait.FUTURE, OBJECT, place.key, timeout, number, place=place)
    try:
        return type(this).wait(this, timeout)
    except BaseException as error:
        failure.hide(error)
        raise
    finally:
        waits.end(saved)


def _shutdown(original: Callable[..., object]) -> object:
    def shutdown(self: Any, *args: Any, **kwargs: Any) -> object:
        saved = _note_shutdown(self)
        try:
            return original(self, *args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            waits.end(saved)

    return shutdown


def _note_shutdown(executor: Any) -> Any:
    try:
        calls = executor.__dict__.get(CALLS)
        if calls is None:
            return None
        key = calls.key
        left = any(name.endswith("__exit__") for name in entry.between())
        pending = len(executor._pending_work_items or ())
        recorder.log(tasks.POOL_STATE, key, "__exit__" if left else "shutdown", pending, callsite.here())
        return waits.intend(wait.POOL_END, OBJECT, key)
    except Exception:
        guard.trouble(NAME)
        return None


def _terminate_broken(original: Callable[..., object]) -> object:
    def terminate_broken(self: Any, cause: Any) -> object:
        try:
            key = getattr(self, pools.ROLE, ("", 0))[1]
            told = "".join(cause)[-4000:] if isinstance(cause, list) else str(cause or "")
            recorder.log(tasks.BROKEN, key, told, len(self.pending_work_items))
        except Exception:
            guard.trouble(NAME)
        return original(self, cause)

    return terminate_broken


def _exception_init(original: Callable[..., object]) -> object:
    def init(self: Any, exc: Any, tb: Any) -> None:
        try:
            self.__dict__[SITE] = failure.place(failure.deepest(tb))  # the exception loses its traceback in there
        except Exception:
            guard.trouble(NAME)
        original(self, exc, tb)

    return init


def _in_child(process: Any) -> None:
    """In a child that is about to run: is it a worker? Its two queues tell us of every call, without a frame of ours below it."""
    target = getattr(process, "_target", None)
    if getattr(target, "__name__", "") != "_process_worker" or getattr(target, "__module__", "") != "concurrent.futures.process":
        return
    call_queue, result_queue, initializer = process._args[:3]
    key = pools.key_of_executor(call_queue)
    if key:
        worker = Worker(key, str(process._name)[:100])
        for end, lock in ((call_queue._reader, call_queue._rlock), (result_queue._writer, result_queue._wlock)):
            pools.served_end(end)
            pools.served_lock(lock)
        if initializer is not None:
            _watch_initializer(worker)
        reader = call_queue._reader  # after a fork, the queue takes its method anew; a spawned one has it already
        reader.recv_bytes = call_queue._recv_bytes = worker.watched(reader.recv_bytes)
        result_queue.put = _watched_put(worker, result_queue.put)


def _watch_initializer(worker: Worker) -> None:
    """A failing initializer is only logged; the logger is asked first whether it is enabled, while the exception is at hand."""
    logger = sys.modules["concurrent.futures._base"].LOGGER
    original = logger.isEnabledFor

    def is_enabled_for(level: Any) -> object:
        error = sys.exc_info()[1]
        if not worker.asked and error is not None and sys._getframe(2).f_code.co_name == "_process_worker":
            worker.initializer_failed(error)
        return original(level)

    logger.isEnabledFor = is_enabled_for
    worker.ready = lambda: logger.__dict__.pop("isEnabledFor", None)


def _watched_put(worker: Worker, original: Callable[..., Any]) -> Callable[..., Any]:
    def put(obj: Any) -> Any:
        try:
            if type(obj) is not int:  # its own pid, as its last word
                sent = obj.exception
                worker.end(obj.work_id, 0, returned=sent is None)
                if sent is not None:
                    _note_error(worker, obj.work_id, sent)
                worker.refused = False
        except Exception:
            guard.trouble(NAME)
        return original(obj)

    return put


def _note_error(worker: Worker, number: int, sent: Any) -> None:
    error, text = getattr(sent, "exc", sent), getattr(sent, "tb", "")
    if isinstance(error, BaseException) and not worker.refused:
        worker.failed(number, 0, error, text.strip('\n"') if type(text) is str else "", getattr(sent, SITE, 0))
