"""How a process ends: by its exit handlers, by os._exit, by an exception of the main program, by a fatal signal."""

from __future__ import annotations

import atexit
import os
import sys
import threading

from ...wire.events import processes
from .. import callsite, ending, failure, guard, lastwords, life, originals, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "exits"


def install(module: ModuleType) -> None:
    """Watch ``os._exit`` and the interpreter's exit; with `multiprocessing.util`: its exit function."""
    if module.__name__ == "multiprocessing.util":
        originals.patch(NAME, module, "_exit_function", _exit_function)
        atexit.register(_begin)  # runs before util's own, which was registered earlier
        return
    lastwords.enable()
    originals.patch(NAME, os, "_exit", _hard_exit)
    atexit.register(_end)  # runs after util's own, which is registered later
    if hasattr(threading, "_register_atexit"):  # called before the interpreter joins its threads: the earliest sign there is
        try:
            threading._register_atexit(_begin)
        except RuntimeError:  # it is ending already
            pass


def _begin() -> None:
    try:
        if NAME not in guard.off and not ending.has_begun() and not _inside_bootstrap(sys._getframe()):
            ending.begin()
    except Exception:
        guard.trouble(NAME)


def _inside_bootstrap(frame: Any) -> bool:
    """Is this the joining of threads at the end of a Process that was forked, which has its exit function behind it?"""
    while frame is not None:
        if frame.f_code.co_name == "_bootstrap" and frame.f_code.co_filename.endswith("multiprocessing/process.py"):
            return True
        frame = frame.f_back
    return False


def _end() -> None:
    if NAME not in guard.off:
        recorder.ended()


def _exit_function(original: Callable[..., object]) -> object:
    def _exit_function(*args: Any, **kwargs: Any) -> object:
        try:
            caller = sys._getframe().f_back
            if caller is not None:  # get_logger() registers us with atexit, which has no frame
                life.tell(life.at_exit_function, caller)
            ending.begin(is_child=caller is not None and caller.f_code.co_name == "_bootstrap")
        except Exception:
            guard.trouble(NAME)
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise

    return _exit_function


def _hard_exit(original: Callable[..., object]) -> object:
    def _exit(*args: Any, **kwargs: Any) -> object:
        try:
            _note_exit(args[0] if args else kwargs.get("status"), by_program=callsite.is_called_by_program(sys._getframe()))
        except Exception:
            guard.trouble(NAME)
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise

    return _exit


def _note_exit(status: object, *, by_program: bool) -> None:
    if by_program:
        recorder.log(processes.HARD_EXIT, status if isinstance(status, int) else -1, callsite.here(), callsite.stack())
    else:  # the standard library's own way to end a forked child, when all is done
        recorder.ended()
