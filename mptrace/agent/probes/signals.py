"""signal.signal: the program's handlers, and whether one of them may wake somebody: a job that waits for a signal is idle, not hung.

A handler that only ends the process (``sys.exit``, a message, os._exit) wakes nobody. One that uses any name that we do not know
to be harmless may put, set, release or send; so may one that is not written in Python.
Fork: the child has its parent's handlers, which the reader knows. Spawn: it sets its own.
"""

from __future__ import annotations

import signal

from ...wire.events import processes
from .. import brief, callsite, failure, guard, originals, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "signals"

HARMLESS = frozenset((
    "BaseException", "KeyboardInterrupt", "RuntimeError", "SIG_DFL", "SIG_IGN", "SystemExit", "TimeoutError", "_exit", "critical",
    "current_process", "debug", "error", "exception", "exit", "flush", "format", "getpid", "info", "log", "logger", "logging", "name",
    "os", "pid", "print", "quit", "repr", "signal", "stderr", "stdout", "str", "strftime", "sys", "time", "warning",
))  # fmt: skip
"""Names in a handler's code that wake nobody."""

_noted: set[int] = set()


def install(module: ModuleType) -> None:  # noqa: ARG001
    """Note the handlers that were set before us, and watch for others."""
    originals.patch(NAME, signal, "signal", _signal)
    for number in range(1, 32):
        _note(number, signal.getsignal(number), 0)


def _signal(original: Callable[..., object]) -> object:
    def signal_(*args: Any, **kwargs: Any) -> object:
        try:
            before = original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        try:
            if len(args) == 2:
                _note(int(args[0]), args[1], callsite.here())
        except Exception:
            guard.trouble(NAME)
        return before

    return signal_


def _note(number: int, handler: Any, site: int) -> None:
    is_own = callable(handler) and not isinstance(handler, signal.Handlers) and handler is not signal.default_int_handler
    if is_own or number in _noted:
        _noted.add(number)
        recorder.log_some(
            processes.HANDLER, number, brief.name_of(handler) if is_own else "", int(is_own and may_wake(handler)), site
        )


def may_wake(handler: Any) -> bool:
    """May this handler do something that ends a wait of somebody, for all that its code says? (Those of asyncio do not.)"""
    handler = getattr(handler, "func", handler)
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    return code is None or (callsite.is_program(code) and not HARMLESS.issuperset(code.co_names))
