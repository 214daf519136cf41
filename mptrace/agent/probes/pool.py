"""multiprocessing.Pool: its shape, its workers, the work it was handed, who waits for results, and how it is ended."""

from __future__ import annotations

import sys
from _thread import get_ident
from _weakref import ref

from ...wire import wait
from ...wire.events import resources, tasks
from ...wire.resource import OBJECT
from .. import brief, budget, callbacks, callsite, entry, failure, guard, life, originals, pools, recorder, waits
from ..tasks import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "pool"

KEY = "_mptrace_key"
"""Attribute of a Pool: its OBJECT key (see `pools`). A ThreadPool has none."""

_lists: dict[int, int] = {}
"""id() of a Pool's list of workers -> its key: all that the service threads hand to the functions below."""

_budgets: dict[int, budget.Budget] = {}
_submitting: dict[int, pools.Job] = {}
_worker: Worker | None = None


def install(module: ModuleType) -> None:
    """Watch the class Pool, its results, and its worker processes."""
    pool, result, iterator = module.Pool, module.ApplyResult, module.IMapIterator
    for name, wrap in _POOL.items():
        originals.patch(NAME, pool, name, wrap)
    for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
        originals.patch(NAME, pool, name, _submit(name))
    for kind in (result, iterator):
        originals.patch(NAME, kind, "__init__", _result_init)
    originals.patch(NAME, module.MapResult, "__init__", _map_init)
    originals.patch(NAME, result, "wait", _wait)
    life.at_bootstrap.append(_in_child)
    life.at_failure.append(_on_failure)


def _init(original: Callable[..., object]) -> object:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(self, *args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            _made(self)

    return init


def _made(pool: Any) -> None:
    try:
        key, workers = pool.__dict__.get(KEY, 0), getattr(pool, "_processes", 0)
        if key:
            site, initializer = callsite.here(), getattr(pool, "_initializer", None)
            recorder.log(
                tasks.POOL, key, workers, brief.name_of(initializer) if initializer else "",
                getattr(pool, "_maxtasksperchild", None) or 0, pool._ctx.get_start_method() or "", site,
            )  # fmt: skip
            recorder.log(resources.MADE, OBJECT, key, "Pool", site, "", workers)
            recorder.log(resources.PART, OBJECT, pools.pipe_key(pool._change_notifier), OBJECT, key, "_change_notifier")
            for end in (pool._inqueue._writer, pool._outqueue._reader, pool._change_notifier._reader):
                pools.served_end(end)
    except Exception:
        guard.trouble(NAME)


def _setup_queues(original: Callable[..., object]) -> object:
    def _setup_queues(self: Any) -> object:
        try:
            result = original(self)
        except BaseException as error:
            failure.hide(error)
            raise
        try:
            _name_parts(self)
        except Exception:
            guard.trouble(NAME)
        return result

    return _setup_queues


def _name_parts(pool: Any) -> None:
    key = pools.key_of_pool(pool._inqueue)
    if not key:
        return
    pool.__dict__[KEY] = _lists[id(pool._pool)] = key
    _budgets[key] = budget.Budget(20, 50)
    for role in ("_inqueue", "_outqueue"):
        inode = pools.pipe_key(getattr(pool, role))
        pools.served[inode] = key
        recorder.log(resources.PART, OBJECT, inode, OBJECT, key, role)


def _submit(name: str) -> Callable[[Callable[..., object]], object]:
    def wrap(original: Callable[..., object]) -> object:
        def submit(self: Any, func: Any, *args: Any, **kwargs: Any) -> object:
            me, key = get_ident(), self.__dict__.get(KEY, 0)
            if key:
                try:
                    caller = sys._getframe().f_back  # None: atexit has none
                    called = name if caller is None or callsite.is_program(caller.f_code) else caller.f_code.co_name
                    one = 1 if name == "apply_async" else -1
                    life.submit(func)
                    _submitting[me] = pools.Job(f"Pool.{called}", brief.name_of(func), callsite.here(), one)
                except Exception:
                    guard.trouble(NAME)
            try:
                return original(self, func, *args, **kwargs)
            except BaseException as error:
                failure.hide(error)
                raise
            finally:
                _submitting.pop(me, None)

        return submit

    return wrap


def _result_init(original: Callable[..., object]) -> object:
    def init(self: Any, pool: Any, *args: Any, **kwargs: Any) -> None:
        original(self, pool, *args, **kwargs)
        try:
            job = _submitting.pop(get_ident(), None)
            if job is not None:
                _note_job(pool.__dict__[KEY], self._job, job)
                life.tell(life.at_result, self, pool.__dict__[KEY])
                if hasattr(self, "_cond"):
                    _watch_iterator(self)
                else:
                    callbacks.watch(self, pool.__dict__[KEY])
        except Exception:
            guard.trouble(NAME)

    return init


def _map_init(original: Callable[..., object]) -> object:
    def init(self: Any, pool: Any, chunksize: Any, length: Any, *args: Any, **kwargs: Any) -> None:
        job = _submitting.get(get_ident())
        if job is not None and type(chunksize) is int and type(length) is int:
            job.tasks = -(-length // chunksize) if chunksize > 0 else 0
        original(self, pool, chunksize, length, *args, **kwargs)

    return init


def _note_job(key: int, number: int, job: pools.Job) -> None:
    pools.remember(key, number, job)
    if _budgets[key].spend():
        recorder.log(tasks.SUBMITTED, key, number, job.tasks, job.function, job.call, job.site)


def _wait(original: Callable[..., object]) -> object:
    def wait_(self: Any, timeout: Any = None) -> object:
        if self._event.is_set():
            return original(self, timeout)
        saved = _enter(self, timeout)
        try:
            return original(self, timeout)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            waits.end(saved)

    return wait_


def _watch_iterator(iterator: Any) -> None:
    """Whoever has to wait for the next result says so, without a frame of ours in the errors that ``next`` raises.

    What hangs on the iterator must not hold it, or it would wait for the garbage collector.
    """
    reference = ref(iterator)

    def wait_(timeout: Any = None) -> object:
        this: Any = reference()
        saved = _enter(this, timeout)
        try:
            return type(this._cond).wait(this._cond, timeout)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            waits.end(saved)

    iterator._cond.wait = wait_


def _enter(result: Any, timeout: Any) -> Any:
    """Say that this thread waits for a result: of this job, from the pool it belongs to (which it forgets when it is there)."""
    try:
        pool = result._pool
        key = pool.__dict__.get(KEY, 0) if pool is not None else 0
        return waits.begin(wait.RESULT, OBJECT, key, timeout, result._job) if key else None
    except Exception:
        guard.trouble(NAME)
        return None


def _close(original: Callable[..., object]) -> object:
    def close(self: Any) -> object:
        _note_state(self.__dict__.get(KEY, 0), "close", self._cache)
        return original(self)

    return close


def _terminate_pool(original: Callable[..., object]) -> object:
    def _terminate_pool(cls: Any, taskqueue: Any, inqueue: Any, outqueue: Any, pool: Any, *rest: Any) -> object:
        _note_state(_lists.get(id(pool), 0), "", rest[-1] if rest else ())
        try:
            return original(cls, taskqueue, inqueue, outqueue, pool, *rest)
        except BaseException as error:
            failure.hide(error)
            raise

    return _terminate_pool


def _note_state(key: int, call: str, cache: Any) -> None:
    try:
        if key:
            recorder.log(tasks.POOL_STATE, key, call or _who_terminates(), len(cache), callsite.here())
    except Exception:
        guard.trouble(NAME)


def _who_terminates() -> str:
    """Return why a pool is terminated: ``__exit__`` (its with block is left), ``terminate``, ``exit`` or ``collected``."""
    names = [name.rpartition(".")[2] for name in entry.between()]
    for name, call in (("__exit__", "__exit__"), ("terminate", "terminate"), ("_exit_function", "exit")):
        if name in names:
            return call
    return "collected"


def _join(original: Callable[..., object]) -> object:
    def join(self: Any) -> object:
        key = self.__dict__.get(KEY, 0)
        saved = waits.intend(wait.POOL_END, OBJECT, key) if key else None
        try:
            return original(self)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            waits.end(saved)

    return join


def _join_exited_workers(original: Callable[..., object]) -> object:
    def _join_exited_workers(pool: Any) -> object:
        before = list(pool)
        result = original(pool)
        if result:
            _note_gone(before, pool)
        return result

    return _join_exited_workers


def _note_gone(before: list[Any], pool: Any) -> None:
    try:
        key, left = _lists.get(id(pool), 0), {id(worker) for worker in pool}
        for worker in before:
            if key and id(worker) not in left:
                recorder.log(tasks.WORKER_JOINED, key, worker.pid, worker.exitcode, str(worker.name)[:100])
    except Exception:
        guard.trouble(NAME)


_POOL: dict[str, Callable[[Callable[..., object]], object]] = {
    "__init__": _init,
    "_setup_queues": _setup_queues,
    "close": _close,
    "_terminate_pool": _terminate_pool,
    "join": _join,
    "_join_exited_workers": _join_exited_workers,
}


def _in_child(process: Any) -> None:
    """In a child that is about to run: is it a worker? Its two queues tell us of every task, without a frame of ours below it."""
    global _worker
    target, _worker = getattr(process, "_target", None), None
    if getattr(target, "__qualname__", "") != "worker" or getattr(target, "__module__", "") != "multiprocessing.pool":
        return
    inqueue, outqueue = process._args[:2]
    key = pools.key_of_pool(inqueue)
    if key:
        _worker = Worker(key, str(process._name)[:100])
        reader = inqueue._reader
        pools.served_end(reader)
        pools.served_end(outqueue._writer)
        pools.served_lock(inqueue._rlock)
        pools.served_lock(outqueue._wlock)
        reader.recv_bytes, outqueue.put = _worker.watched(reader.recv_bytes), _watched_put(_worker, outqueue.put)


def _watched_put(worker: Worker, original: Callable[..., Any]) -> Callable[..., Any]:
    def put(obj: Any) -> Any:
        try:
            job, index, (returned, result) = obj
            worker.end(job, index, returned=returned)
            if not returned and type(result).__name__ != "MaybeEncodingError":
                _task_failed(worker, job, index or 0, result)
        except Exception:
            guard.trouble(NAME)
        try:
            return original(obj)
        except BaseException as error:
            failure.hide(error)
            raise

    return put


def _task_failed(worker: Worker, job: int, index: int, result: Any) -> None:
    error = getattr(result, "exc", result)
    text = getattr(result, "tb", None)
    if isinstance(error, BaseException):
        told = text.strip('\n"') if type(text) is str else failure.text(error)
        worker.failed(job, index, error, told, failure.raised_at(error))


def _on_failure(_process: Any, error: BaseException) -> None:
    if _worker is not None and not _worker.asked and not isinstance(error, SystemExit) and not _is_asking(error):
        _worker.initializer_failed(error)


def _is_asking(error: BaseException) -> bool:
    """Did it come while the worker waited for its first task?"""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_name != "worker":
        entry = entry.tb_next
    below = entry.tb_next if entry is not None else None
    return below is not None and below.tb_frame.f_code.co_filename.endswith("multiprocessing/queues.py")
