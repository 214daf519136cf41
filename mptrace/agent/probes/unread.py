"""Results of pools and executors that are exceptions: did anybody ask for them? A result that is none costs nothing.

A failed result is watched from the moment it fails. Whoever asks for it then takes its lock or its event, which is where we
look, so that no frame of ours is on the way of the exception to the program; and nothing here holds the exception itself.
"""

from __future__ import annotations

import sys
import threading
from _weakref import ref

from ...wire.events import tasks
from .. import failure, guard, inherit, life, originals, pools, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "unread"

MOST = 200
"""Failed results that are watched in one process."""

ASKING = frozenset(("result", "exception", "add_done_callback"))
"""Methods of a future that ask for what became of it."""

_failed: list[Failed] = []
_ending = False


class Failed:
    """A result that is an exception: of which job, and whether somebody asked for it."""

    __slots__ = ("asked", "job", "kind", "message", "pool")

    def __init__(self, pool: int, job: int, error: Any) -> None:
        self.pool, self.job, self.asked = pool, job, False
        self.kind, self.message = failure.kind(error), failure.message(error)[:200]

    def tell(self) -> None:
        """Say it in the recording."""
        job = pools.job_of(self.pool, self.job)
        call, function, site = (job.call, job.function, job.site) if job is not None else ("", "", 0)
        recorder.log(tasks.RESULT_FAILED, self.pool, self.job, function, self.kind, self.message, call, int(self.asked), site)


def install(module: ModuleType) -> None:
    """Watch for failed futures of executors; a pool's results are handed to us when they are made."""
    if module.__name__ == "concurrent.futures.process":
        originals.patch(NAME, module._base.Future, "set_exception", _set_exception)
    else:
        life.at_result.append(_watch_result)
    if _at_exit not in life.at_exit:
        life.at_exit.append(_at_exit)
        inherit.in_child_hooks.append(_failed.clear)


def _set_exception(original: Callable[..., object]) -> object:
    def set_exception(self: Any, exception: Any) -> object:
        failed = None
        try:
            failed = _failed_future(self, exception)
        except Exception:
            guard.trouble(NAME)
        result = original(self, exception)
        if failed is not None:
            _keep(failed)
        return result

    return set_exception


def _failed_future(future: Any, error: Any) -> Failed | None:
    """Return what to keep of a future that is about to fail, if it is one of an executor of processes and nobody waits for it."""
    key = getattr(threading.current_thread(), pools.ROLE, ("", 0))[1]
    caller = sys._getframe(2) if key else None  # a thread that only sets an exception has nobody there
    if caller is None or caller.f_code.co_name not in _SETTING or len(_failed) >= MOST:
        return None
    failed = Failed(key | pools.EXECUTOR_BIT, caller.f_locals["result_item"].work_id, error)
    condition = future._condition
    failed.asked = bool(future._done_callbacks or condition._waiters)
    condition._lock = _Lock(condition._lock, failed)
    return failed


_SETTING = ("process_result_item", "_queue_management_worker")


def _caller() -> str:
    """Return the name of what called the method of the library that asks us; "" at the end of a stack."""
    try:
        return sys._getframe(3).f_code.co_name
    except ValueError:
        return ""


class _Lock:
    """Stands for the lock of a failed future's condition, and looks at who takes it."""

    __slots__ = ("failed", "lock")

    def __init__(self, lock: Any, failed: Failed) -> None:
        self.lock, self.failed = lock, failed

    def __enter__(self) -> object:
        if _caller() in ASKING:
            self.failed.asked = True
        return self.lock.__enter__()

    def __exit__(self, *given: object) -> object:
        return self.lock.__exit__(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lock, name)

    def __repr__(self) -> str:
        return repr(self.lock)


def _watch_result(result: Any, key: int) -> None:
    """Have the failure of a pool's result told to us, unless the program has asked for that itself."""
    if getattr(result, "_error_callback", result) is None:  # an iterator of imap has none
        reference, number = ref(result), result._job

        def failing(error: object) -> None:
            try:
                this = reference()
                if this is not None and len(_failed) < MOST:
                    _watch_event(this._event, Failed(key, number, error))
            except Exception:
                guard.trouble(NAME)

        result._error_callback = failing


def _watch_event(event: Any, failed: Failed) -> None:
    failed.asked = bool(event._cond._waiters)
    wait_, is_set = event.wait, event.is_set

    def asked_to_wait(timeout: Any = None) -> object:
        failed.asked = True
        return wait_(timeout)

    def asked_whether_set() -> object:
        failed.asked = failed.asked or _caller() == "successful"
        return is_set()

    event.wait, event.is_set = asked_to_wait, asked_whether_set
    _keep(failed)


def _keep(failed: Failed) -> None:
    try:
        if _ending:
            failed.tell()
        else:
            _failed.append(failed)
    except Exception:
        guard.trouble(NAME)


def _at_exit() -> None:
    global _ending
    try:
        _ending = True
        for failed in _failed if NAME not in guard.off else ():
            failed.tell()
        _failed.clear()
    except Exception:
        guard.trouble(NAME)
