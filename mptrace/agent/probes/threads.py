"""Threads: who they are, whom they serve, how they end, and who waits for that."""

from __future__ import annotations

import sys
import threading
from _thread import get_native_id

from ...wire import resource, wait
from ...wire.events import threads
from .. import brief, budget, callsite, failure, guard, identity, inherit, originals, pools, recorder, waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "threads"

OVER = "_mptrace_over"
"""Attribute of a thread that has ended."""

_TARGETS = {
    "Queue._feed": "queue feeder",
    "Pool._handle_workers": "pool worker handler",
    "Pool._handle_tasks": "pool task handler",
    "Pool._handle_results": "pool result handler",
    "Server.accepter": "manager server",
    "Server.handle_request": "manager server",
    "Server.serve_client": "manager server",
    "_ResourceSharer._serve": "resource sharer",
}
"""Targets of the library's service threads -> role (values of the model's ThreadRole)."""

_LIBRARY = ("multiprocessing.", "concurrent.futures.", "loky.", "joblib.", "billiard.")

_known: set[int] = set()
"""Native ids of running threads that were told."""

_budget = budget.Budget(500, 50)


def install(_module: ModuleType) -> None:
    """Watch `threading.Thread`; threads that run already are told now."""
    originals.patch(NAME, threading.Thread, "start", _start)
    originals.patch(NAME, threading.Thread, "join", _join)
    inner = threading.Thread._bootstrap_inner.__code__.co_names  # type: ignore[attr-defined]
    originals.patch(NAME, threading.Thread, "_delete" if "_delete" in inner else "_bootstrap_inner", _last)  # 3.10: the latter
    originals.patch(NAME, threading, "_make_invoke_excepthook", _make_invoke_excepthook)
    inherit.in_child_hooks.append(_known.clear)
    for thread in list(threading._active.values()):  # type: ignore[attr-defined]
        if thread is not threading.main_thread() and thread.ident is not None:
            _tell(thread, *_role_of(thread), 0)


def _start(original: Callable[..., object]) -> object:
    def start(self: Any, *args: Any, **kwargs: Any) -> object:
        role: tuple[str, int, str] | None = None
        try:
            role = _role_of(self)  # before: the thread drops its target when it ends
            self.__dict__[pools.ROLE] = role[:2]
        except Exception:
            guard.trouble(NAME)
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        try:
            if role is not None and self.ident is not None:
                _tell(self, *role, callsite.here())
        except Exception:
            guard.trouble(NAME)
        return result

    return start


def _tell(thread: Any, role: str, serves: int, target: str, site: int) -> None:
    if role == "user" and not _budget.spend():
        return
    tid = getattr(thread, "native_id", None) or 0  # eventlet's have none
    _known.add(tid)
    recorder.log(threads.STARTED, thread.ident, tid, str(thread.name)[:100], target, int(thread.daemon), role, serves, site)
    if OVER in thread.__dict__:  # it was faster than its starter
        _ended(tid)


def _ended(tid: int) -> None:
    try:
        _known.remove(tid)
    except KeyError:  # it was not told, or the other side was faster
        return
    recorder.log(threads.ENDED, tid)


def _role_of(thread: Any) -> tuple[str, int, str]:
    """Return (role, whom it serves, target) of a thread that has not run yet."""
    target = getattr(thread, "_target", None)
    if type(thread).__name__ == "_ExecutorManagerThread":
        return "executor manager", pools.key_of_executor(getattr(thread, "call_queue", None)), ""
    name, module = getattr(target, "__qualname__", ""), getattr(target, "__module__", None)
    role = _TARGETS.get(name) if type(name) is str else None
    if role is None or not isinstance(module, str) or not module.startswith(_LIBRARY):
        return (
            "user",
            0,
            brief.name_of(target) if target is not None else brief.name_of(getattr(type(thread), "run", type(thread))),
        )
    return role, _served(role, getattr(thread, "_args", ())), name


def _served(role: str, args: Any) -> int:
    """Return the OBJECT key of the queue or pool whose parts are among the arguments of a service thread."""
    for argument in args if type(args) is tuple else ():
        end = getattr(argument, "_reader", None) or getattr(argument, "__self__", None)
        try:
            inode = identity.inode(end.fileno())  # type: ignore[union-attr]
        except (AttributeError, OSError, ValueError):
            continue
        if role == "queue feeder":
            return inode
        if inode in pools.served:
            return pools.served[inode]
    return 0


def _last(original: Callable[..., object]) -> object:
    def last(self: Any) -> object:
        result = original(self)
        try:
            recorder.end_thread()
            self.__dict__[OVER] = True
            _ended(get_native_id())
        except Exception:
            guard.trouble(NAME)
        return result

    return last


def _make_invoke_excepthook(original: Callable[..., Any]) -> object:
    def _make_invoke_excepthook() -> object:
        invoke = original()

        def invoke_excepthook(thread: Any) -> object:
            try:
                _died(thread, sys.exc_info()[1])
            except Exception:
                guard.trouble(NAME)
            return invoke(thread)

        return invoke_excepthook

    return _make_invoke_excepthook


def _died(thread: Any, error: BaseException | None) -> None:
    if error is None or isinstance(error, SystemExit) or NAME in guard.off:
        return
    tid = get_native_id()
    role, serves = getattr(thread, pools.ROLE, ("user", 0))
    site, text = failure.raised_at(error), failure.text(error)
    recorder.log(threads.DIED, tid, str(thread.name)[:100], role, serves, failure.kind(error), failure.message(error), text, site)


def _join(original: Callable[..., object]) -> object:
    def join(self: Any, timeout: float | None = None) -> object:
        saved = None
        try:
            if getattr(self, "_ident", None) is not None and self.is_alive() and timeout != 0:
                saved = waits.begin(wait.THREAD_END, resource.THREAD, self.native_id or 0, timeout)
        except Exception:
            guard.trouble(NAME)
        try:
            return original(self, timeout)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            waits.end(saved)

    return join
