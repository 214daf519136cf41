"""multiprocessing.Process: start, run, end, join, terminate and kill, and how its end was learned."""

from __future__ import annotations

import sys
from time import monotonic_ns

from ...wire import resource, wait
from ...wire.events import processes
from .. import callsite, child, entry, failure, guard, inherit, life, originals, recorder, twin, waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType
    from typing import Any

NAME = "process"

_REAPED, _READ, _JOINED, _TIMED_OUT = 1, 2, 4, 8

_told: dict[int, int] = {}
"""Pid of a child of this process -> bits of what was told of it, so that a polling loop tells it once."""


def install(module: ModuleType) -> None:
    """Watch the class that all Process classes come from, and the ways their ends are waited for."""
    name = module.__name__
    if name == "multiprocessing.process":
        _install_process(module)
    elif name == "multiprocessing.spawn":
        current = type(sys.modules["multiprocessing.process"]._current_process)
        if current.__name__ == "_MainProcess":
            originals.add(NAME, current, "_inheriting", child.Inheriting())
    else:
        popen = module.Popen
        originals.patch(NAME, popen, "poll", twin.function("code", _poll, lambda args, code, _: _note_end(args[0], code)))
        if name == "multiprocessing.popen_fork":
            originals.patch(NAME, popen, "_send_signal", _send_signal)


def _install_process(module: Any) -> None:
    base = module.BaseProcess
    originals.patch(NAME, base, "start", _start)
    originals.patch(NAME, base, "_bootstrap", child.watch_bootstrap)
    originals.patch(NAME, base, "join", _join)
    originals.patch(NAME, base, "exitcode", twin.function("code", _exitcode, _tell_read))
    life.at_exit_function.append(child.look_for_failure)
    inherit.in_child_hooks.append(_told.clear)


def _start(original: Callable[..., object]) -> object:
    def start(self: Any) -> object:
        target, began, saved, place = "", monotonic_ns(), None, waits.Place(0)
        try:
            target = child.target_name(self)  # before: the parent's Process drops its target
            saved = waits.intend(wait.START, resource.NONE, 0, place=place)
            life.tell(life.at_start, self)
        except Exception:
            guard.trouble(NAME)
        try:
            result = original(self)
        except BaseException as error:
            _note_failed_start(self, target, error)
            failure.hide(error)
            raise
        finally:
            waits.end(saved)
        _note_start(self, target, place, monotonic_ns() - began)
        return result

    return start


def _note_start(process: Any, target: str, place: waits.Place, took_ns: int) -> None:
    try:
        if not place.stack:  # it was started within another call
            place.site, place.stack = callsite.here_and_stack()
        pid = getattr(process._popen, "pid", 0)
        _told[pid] = 0
        recorder.log(
            processes.STARTED, pid, str(process._name)[:200], target, int(process.daemon), child.start_method(process),
            place.site, place.stack, took_ns,
        )  # fmt: skip
    except Exception:
        guard.trouble(NAME)


def _note_failed_start(process: Any, target: str, error: BaseException) -> None:
    try:
        recorder.log(
            processes.START_FAILED, str(getattr(process, "_name", ""))[:200], target, child.start_method(process),
            failure.kind(error), failure.message(error), callsite.here(), callsite.stack(),
        )  # fmt: skip
    except Exception:
        guard.trouble(NAME)


def _join(original: Callable[..., object]) -> object:
    def join(self: Any, timeout: float | None = None) -> object:
        saved, popen, place = None, getattr(self, "_popen", None), waits.Once(0)
        try:
            if popen is not None and getattr(popen, "returncode", 0) is None and timeout != 0:
                saved = waits.enter(wait.REAP, resource.PROCESS, popen.pid, timeout, place=place)
        except Exception:
            guard.trouble(NAME)
        try:
            result = original(self, timeout)
        except BaseException as error:
            failure.hide(error)
            raise
        finally:
            if saved is not None:
                waits.leave(saved)
        if popen is not None:
            _note_join(popen, place)
        return result

    return join


def _note_join(popen: Any, place: waits.Place) -> None:
    try:
        done, pid = getattr(popen, "returncode", None) is not None, getattr(popen, "pid", 0)
        if _first(pid, _JOINED if done else _TIMED_OUT):
            recorder.log(processes.JOINED, pid, int(done), place.site if place.stack else callsite.here())
    except Exception:
        guard.trouble(NAME)


def _first(pid: int, bit: int) -> bool:
    """Is this the first time for this child? Children that are not ours are never told of."""
    known = _told.get(pid, bit)
    _told[pid] = known | bit
    return not known & bit


def _poll(original: Callable[..., object]) -> object:
    def poll(self: Any, *args: Any, **kwargs: Any) -> object:
        if self.returncode is not None:
            return original(self, *args, **kwargs)
        try:
            code = original(self, *args, **kwargs)
        except BaseException as error:
            failure.hide(error)
            raise
        if code is not None:
            _note_end(self, code)
        return code

    return poll


def _note_end(popen: Any, code: object) -> None:
    try:
        if _first(popen.pid, _REAPED):
            recorder.log(processes.REAPED, popen.pid, code, *entry.point_and_place())
    except Exception:
        guard.trouble(NAME)


def _exitcode(original: Callable[..., object]) -> object:
    def exitcode(self: Any) -> object:
        try:
            code = original(self)
        except BaseException as error:
            failure.hide(error)
            raise
        if code is not None:
            _tell_read((self,), code, None, sys._getframe())
        return code

    return exitcode


def _tell_read(args: tuple[Any, ...], _code: object, _error: object, wrapper: FrameType | None = None) -> None:
    try:
        if callsite.is_called_by_program(wrapper or sys._getframe()) and _first(args[0]._popen.pid, _READ):
            recorder.log(processes.EXIT_CODE_READ, args[0]._popen.pid, callsite.here())
    except Exception:
        guard.trouble(NAME)


def _send_signal(original: Callable[..., object]) -> object:
    def _send_signal(self: Any, sig: Any) -> object:
        try:
            if self.returncode is None:
                call = entry.point() or _library_call(entry.between())
                recorder.log(processes.SIGNALLED, self.pid, int(sig), call, callsite.here(), callsite.stack())
        except Exception:
            guard.trouble(NAME)
        try:
            return original(self, sig)
        except BaseException as error:
            failure.hide(error)
            raise

    return _send_signal


def _library_call(between: list[str]) -> str:
    """Return why the library itself ends a child, when no line of the program asked for it here and now."""
    names = {name.rpartition(".")[2] for name in between}
    for name, call in (
        ("terminate_broken", "executor broken"),
        ("_terminate_pool", "Pool.terminate"),
        ("_exit_function", "exit"),
    ):
        if name in names:
            return call
    return ""
