"""What the program does to processes without multiprocessing: forks while threads run, signals, other programs."""

from __future__ import annotations

import os
import sys
import threading
from _thread import get_ident, get_native_id
from os import listdir as _listdir
from os import stat as _stat

from ...wire.events import processes
from .. import callsite, entry, failure, guard, inherit, originals, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "program"

_threads = ""
"""Threads besides the forking one, as they were just before the last fork: a line each, native id and name."""

_places: list[tuple[int, str, int, int]] = []
"""Native id, name, place and stack of the first of them."""

PLACES = 16

_native = ""
"""Likewise the threads that are none of Python's: native ids, without names."""


def install(module: ModuleType) -> None:
    """Watch forks by hooks (``os.fork`` stays the builtin), signals and new programs by patches."""
    popen = getattr(sys.modules.get("subprocess"), "Popen", None)  # multiprocessing.util imports it
    if hasattr(popen, "_close_pipe_fds"):  # gevent's has none
        originals.patch(NAME, popen, "_close_pipe_fds", _spawned_by_subprocess)
    if module.__name__ == "multiprocessing.util":
        return
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork)
    inherit.in_child_hooks.append(_in_child)
    for name in ("kill", "killpg"):
        originals.patch(NAME, os, name, _kill)
    for name in ("execv", "execve"):
        originals.patch(NAME, os, name, _exec)
    for name in ("posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            originals.patch(NAME, os, name, _posix_spawn)


def _before_fork() -> None:
    global _threads, _native
    try:
        if len(threading._active) == 1 and _stat("/proc/self/task").st_nlink == 3:  # type: ignore[attr-defined]
            _threads = _native = ""
            return
        me = get_ident()
        others = [thread for thread in list(threading._active.values()) if thread.ident != me]  # type: ignore[attr-defined]
        _threads = "\n".join(f"{thread.native_id or 0} {str(thread.name)[:60]}" for thread in others[:50])
        _places[:] = _where(others[:PLACES]) if others else ()
        known = {thread.native_id for thread in others} | {get_native_id()}
        foreign = [tid for tid in _listdir("/proc/self/task") if int(tid) not in known]
        _native = "\n".join(f"{tid} " for tid in foreign[:50])
    except OSError:  # no /proc: then nobody knows
        _native = ""
    except Exception:
        guard.trouble(NAME)


def _where(others: list[Any]) -> list[tuple[int, str, int, int]]:
    """Look where these threads are: what they hold now, the child will never see released.

    Our own frame is among those that we get, and would hold them all in a circle: variables of the host would live until its
    next collection, which on 3.12.0 and 3.12.1 dies of a BytesIO buffer among them (python/cpython#111049).
    """
    frames = sys._current_frames()
    try:
        return [
            (thread.native_id or 0, str(thread.name)[:60], *callsite.place_and_stack_of(frames.get(thread.ident)))
            for thread in others
        ]
    finally:
        frames.clear()


def _after_fork() -> None:
    try:
        if NAME not in guard.off and (_threads or callsite.is_called_by_program(sys._getframe())):
            recorder.log(processes.FORKED, 0, _threads, callsite.here(), callsite.stack())
    except Exception:
        guard.trouble(NAME)


def _in_child() -> None:
    if (_threads or _native) and NAME not in guard.off:
        recorder.log(processes.FORK_THREADS, "\n".join(filter(None, (_threads, _native))))
        for place in _places:
            recorder.log(processes.FORK_THREAD, *place)


def _kill(original: Callable[..., object]) -> object:
    def kill(*args: Any, **kwargs: Any) -> object:
        try:
            if _is_ours_to_tell(
                sys._getframe().f_back, args
            ):  # before: there may be no after, and it must not seem later than the end
                _note_signal(original, args)
        except Exception:
            guard.trouble(NAME)
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise

    return kill


def _is_ours_to_tell(caller: Any, args: tuple[Any, ...]) -> bool:
    """Signal 0 only asks, and multiprocessing's own calls are told by the process probe."""
    librarys_own = caller is not None and caller.f_code.co_filename.endswith("multiprocessing/popen_fork.py")
    return len(args) == 2 and bool(args[1]) and not librarys_own


def _note_signal(original: Any, args: tuple[Any, ...]) -> None:
    call = entry.point(2) or f"os.{original.__name__}"
    recorder.log(processes.SIGNALLED, int(args[0]), int(args[1]), call, callsite.here(), callsite.stack())


def _exec(original: Callable[..., object]) -> object:
    def exec_(*args: Any, **kwargs: Any) -> object:
        try:
            recorder.log(processes.EXEC, os.fsdecode(args[0])[:1000] if args else "", callsite.here())
        except Exception:
            guard.trouble(NAME)
        try:
            return original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise

    return exec_


def _posix_spawn(original: Callable[..., object]) -> object:
    def posix_spawn(*args: Any, **kwargs: Any) -> object:
        try:
            pid = original(*args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        try:
            if args and callsite.is_called_by_program(sys._getframe()):
                recorder.log(processes.SPAWNED, pid, os.fsdecode(args[0])[:1000], callsite.here())
        except Exception:
            guard.trouble(NAME)
        return pid

    return posix_spawn


def _spawned_by_subprocess(original: Callable[..., object]) -> object:
    """Called by Popen right after the child was made; a wrapper around Popen itself would stand in its tracebacks."""

    def _close_pipe_fds(self: Any, *args: Any, **kwargs: Any) -> object:
        try:
            if getattr(self, "pid", None):
                recorder.log(processes.SPAWNED, self.pid, _command(self.args), callsite.here())
        except Exception:
            guard.trouble(NAME)
        return original(self, *args, **kwargs)

    return _close_pipe_fds


def _command(args: Any) -> str:
    parts = args if isinstance(args, (list, tuple)) else [args]
    return " ".join(os.fsdecode(part) if isinstance(part, (str, bytes, os.PathLike)) else "?" for part in parts)[:1000]
