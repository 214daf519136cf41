"""ProcessPoolExecutor: its shape, its workers, the calls it was handed, who waits for a future, and how it ends or breaks."""

from __future__ import annotations

import sys
from _thread import get_ident
from _weakref import ref

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

KEY, SITE = "_mptrace_key", "_mptrace_site"
"""Attributes of an executor (its OBJECT key) and of an exception on its way back (where it was raised)."""

_submitting: dict[int, tuple[Any, pools.Job]] = {}
_budgets: dict[int, budget.Budget] = {}
_places: dict[int, waits.Place] = {}


def install(module: ModuleType) -> None:
    """Watch the class ProcessPoolExecutor, its manager thread, and its worker processes."""
    executor = module.ProcessPoolExecutor
    originals.patch(NAME, executor, "__init__", _init)
    originals.patch(NAME, executor, "submit", _submit)
    originals.patch(NAME, executor, "shutdown", _shutdown)
    originals.patch(NAME, module._WorkItem, "__init__", _work_item_init)
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
            _made(self)
        except Exception:
            guard.trouble(NAME)

    return init


def _made(executor: Any) -> None:
    key = pools.key_of_executor(executor._call_queue)
    if not key:
        return
    executor.__dict__[KEY] = key
    _budgets[key], _places[key] = budget.Budget(20, 50), waits.Place(key)
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


def _submit(original: Callable[..., object]) -> object:
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> object:
        me = get_ident()
        if KEY in self.__dict__:
            try:
                caller = sys._getframe().f_back  # None: atexit has none
                called = "submit" if caller is None or callsite.is_program(caller.f_code) else "map"
                _submitting[me] = self, pools.Job(f"Executor.{called}", _name(fn), callsite.here(), 1)
            except Exception:
                guard.trouble(NAME)
        try:
            return original(self, fn, *args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            _submitting.pop(me, None)

    return submit


def _name(function: Any) -> str:
    inner = getattr(function, "func", None)
    return brief.name_of(function.args[0] if getattr(inner, "__name__", "") == "_process_chunk" else function)


def _work_item_init(original: Callable[..., object]) -> object:
    def init(self: Any, future: Any, *args: Any, **kwargs: Any) -> None:
        original(self, future, *args, **kwargs)
        try:
            executor, job = _submitting.get(get_ident(), (None, None))
            if executor is not None and job is not None:
                _note_call(executor.__dict__[KEY], executor._queue_count, job, future)
        except Exception:
            guard.trouble(NAME)

    return init


def _note_call(key: int, number: int, job: pools.Job, future: Any) -> None:
    """Note a call as its number is given out, under the executor's lock."""
    pools.remember(key, number, job)
    _watch(future._condition, key, number)
    if _budgets[key].spend():
        recorder.log(tasks.SUBMITTED, key, number, 1, job.function, job.call, job.site)


def _watch(condition: Any, key: int, number: int) -> None:
    """Whoever has to wait for this one future says so; the class Future stays as it is, and no frame of ours gets into its errors.

    What hangs on the condition must not hold it, or every future would wait for the garbage collector.
    """
    reference = ref(condition)

    def wait_(timeout: Any = None) -> object:
        this: Any = reference()
        saved = waits.begin(wait.FUTURE, OBJECT, key, timeout, number, place=_places.get(key))
        try:
            return type(this).wait(this, timeout)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            waits.end(saved)

    condition.wait = wait_


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
        key = executor.__dict__.get(KEY, 0)
        if not key:
            return None
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
            if hasattr(obj, "work_id"):
                _note_result(worker, obj.work_id, obj.exception)
        except Exception:
            guard.trouble(NAME)
        return original(obj)

    return put


def _note_result(worker: Worker, number: int, sent: Any) -> None:
    worker.end(number, 0, returned=sent is None)
    error, text = getattr(sent, "exc", sent), getattr(sent, "tb", "")
    if isinstance(error, BaseException) and not worker.refused:
        worker.failed(number, 0, error, text.strip('\n"') if type(text) is str else "", getattr(sent, SITE, 0))
    worker.refused = False
