"""signal.signal, alarm and setitimer: whether a timer runs that a handler is for; the program's handlers, and whether one of them may wake somebody: a job that waits for a signal is idle, not hung.

A handler that only ends the process (``sys.exit``, a message, os._exit) wakes nobody. One that uses any name that we do not know
to be harmless may put, set, release or send; so may one that is not written in Python, and what an event loop calls.
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
    originals.patch(NAME, signal, "alarm", _alarm)
    originals.patch(NAME, signal, "setitimer", _setitimer)
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


def _alarm(original: Callable[..., Any]) -> Callable[..., Any]:
    def alarm(*args: Any, **kwargs: Any) -> object:
        try:
            before = original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        _note_timer(signal.SIGALRM, args[0] if args else 1, 0)
        return before

    return alarm


def _setitimer(original: Callable[..., Any]) -> Callable[..., Any]:
    def setitimer(*args: Any, **kwargs: Any) -> object:
        try:
            before = original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        if len(args) > 1:
            _note_timer(_OF_TIMERS.get(args[0], 0), args[1], args[2] if len(args) > 2 else 0)
        return before

    return setitimer


_OF_TIMERS = {signal.ITIMER_REAL: signal.SIGALRM, signal.ITIMER_VIRTUAL: signal.SIGVTALRM, signal.ITIMER_PROF: signal.SIGPROF}
_OFTEN = 200
_timers = [0]


def _note_timer(number: int, seconds: Any, every: Any) -> None:
    """Note a timer; of a program that sets them all the time only that one may always run."""
    try:
        _timers[0] += 1
        if _timers[0] < _OFTEN:
            recorder.log(processes.TIMER, int(number), min(int(seconds * 1000) + (seconds > 0), _MOST_MS), int(every > 0))
        elif _timers[0] == _OFTEN:
            recorder.log(processes.TIMER, int(number), _MOST_MS, 1)
    except Exception:
        guard.trouble(NAME)


_MOST_MS = 1 << 40


def _note(number: int, handler: Any, site: int) -> None:
    is_own = callable(handler) and not isinstance(handler, signal.Handlers) and handler is not signal.default_int_handler
    if is_own or number in _noted:
        _noted.add(number)
        recorder.log_some(
            processes.HANDLER, number, brief.name_of(handler) if is_own else "", int(is_own and may_wake(handler)), site
        )


_OF_A_LOOP = "_sighandler_noop"
"""What loop.add_signal_handler() sets: its callback comes by another way."""


def may_wake(handler: Any) -> bool:
    """May this handler do something that ends a wait of somebody, for all that its code says? (That of asyncio.run() does not.)"""
    handler = getattr(handler, "func", handler)
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    return code is None or code.co_name == _OF_A_LOOP or (callsite.is_program(code) and not HARMLESS.issuperset(code.co_names))
