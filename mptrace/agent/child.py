"""The life of a multiprocessing.Process as seen from inside: it begins, runs, returns or fails; without a frame of ours below it.

``BaseProcess._bootstrap`` catches what ``run`` raises and prints it. Up to Python 3.12 it calls ``util._exit_function`` while
the exception is on its way, so that is where we look. Where it does not, ``run`` is watched by an attribute of this one
instance that removes itself before the program runs, and its frame is taken out of the traceback again.
"""

from __future__ import annotations

import sys
from os import O_CLOEXEC, O_RDONLY, close, read
from os import open as os_open
from time import monotonic_ns

from ..wire.events import failures, processes
from . import brief, ending, failure, guard, lastwords, life, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

NAME = "process"

_SERVICES = ("multiprocessing.pool", "multiprocessing.managers", "concurrent.futures.process")
"""Modules whose processes are terminated when all is well."""

_MISSING = object()
_me: Any = None
began_by = ""
"""By which start method this process began; "" if it is no child of multiprocessing's."""
_inherited: BaseException | None = None


def watch_bootstrap(original: Callable[..., object]) -> object:
    """Wrap ``BaseProcess._bootstrap``, which runs in the child under every start method and returns its exit code."""
    exit_function_is_called_within = "_exit_function" in original.__code__.co_names

    def _bootstrap(self: Any, *args: Any, **kwargs: Any) -> object:
        try:
            _begin(self, watch_run=not exit_function_is_called_within)
        except Exception:
            guard.trouble(NAME)
        code = original(self, *args, **kwargs)
        try:
            recorder.log(processes.RETURNED, code)
        except Exception:
            guard.trouble(NAME)
        return code

    return _bootstrap


def _begin(process: Any, *, watch_run: bool) -> None:
    global _me, _inherited, began_by
    _me, _inherited = process, sys.exc_info()[1]  # in a forked child: one that its parent is handling, not ours
    began_by = start_method(process)
    target = getattr(process, "_target", None)
    file, line = _defined_at(target or getattr(type(process), "run", None))
    recorder.log(processes.RUNNING, str(process._name)[:200], target_name(process), int(process.daemon), began_by, file, line)
    life.tell(life.at_bootstrap, process)
    if getattr(target, "__module__", "") not in _SERVICES:
        lastwords.at_termination()
    if watch_run:
        _watch_run(process)


def target_name(process: Any) -> str:
    """Return what a Process runs, as the program calls it: its target, or its class's ``run``."""
    target = getattr(process, "_target", None)
    if target is None:
        return brief.name_of(type(process).run)
    owner = getattr(target, "__self__", None)
    return brief.name_of(target if owner is None else getattr(target, "__func__", target))


def _defined_at(function: object) -> tuple[str, int]:
    for name in ("__func__", "func", "__wrapped__"):
        function = getattr(function, name, None) or function
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def start_method(process: Any) -> str:
    """Return fork, spawn or forkserver; "" if it cannot be told."""
    popen = getattr(process, "_popen", None)
    context = sys.modules.get("multiprocessing.context")
    found = getattr(popen, "method", None) or type(process).__dict__.get("_start_method") or process._start_method
    if found is None and context is not None:
        found = context._default_context.get_start_method(allow_none=True)
    return found if isinstance(found, str) else ""


def _watch_run(process: Any) -> None:
    mine = process.__dict__.get("run", _MISSING)

    def run() -> object:
        if mine is _MISSING:
            process.__dict__.pop("run", None)
        else:
            process.__dict__["run"] = mine
        try:
            return process.run()
        except BaseException as error:
            failure.hide(error)
            _failed(error)
            raise

    process.__dict__["run"] = run


def look_for_failure(frame: FrameType) -> None:
    """Called when the exit function begins: is an exception of this process on its way?"""
    error = sys.exc_info()[1]
    if error is not None and error is not _inherited and _me is not None and frame.f_code.co_name == "_bootstrap":
        _failed(error)


def _failed(error: BaseException) -> None:
    try:
        life.tell(life.at_failure, _me, error)
        if isinstance(error, SystemExit):
            _log_system_exit(error)
        else:
            ending.tell(error, "process", failure.raised_at(error))
    except Exception:
        guard.trouble(NAME)


def _log_system_exit(error: SystemExit) -> None:
    code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    recorder.log(processes.SYSTEM_EXIT, code, failure.message(error), failure.raised_at(error), 0)


class Inheriting:
    """Stands for ``current_process()._inheriting``, which a spawned child sets before and deletes after it got its Process.

    It is deleted in a ``finally``: what goes wrong before the child runs can be seen there without a frame in its traceback.
    """

    def __get__(self, process: Any, kind: object = None) -> object:
        """Return what was set; AttributeError if nothing was."""
        if process is None:
            return self
        try:
            return process.__dict__["_inheriting"]
        except KeyError:
            raise AttributeError("_inheriting") from None

    def __set__(self, process: Any, value: object) -> None:
        """Set it."""
        process.__dict__["_inheriting"] = value

    def __delete__(self, process: Any) -> None:
        """Delete it, and look whether that is because of an exception."""
        try:
            _inherited_all(sys.exc_info()[1])
        except Exception:
            guard.trouble(NAME)
        del process.__dict__["_inheriting"]


def _inherited_all(error: BaseException | None) -> None:
    if error is None:
        recorder.log(processes.BOOTSTRAP_PHASE, "process received", "")
        if monotonic_ns() - recorder.opened_ns > SLOW_NS:
            recorder.log(processes.IMPORTED, len(sys.modules), _packages(), _delay_ms())
        return
    files = _entries(error)
    phase = "main" if any(entry.tb_frame.f_code.co_name == "prepare" for entry in files) else "process"
    recorder.log(processes.BOOTSTRAP_PHASE, phase, failure.kind(error))
    if isinstance(error, SystemExit):
        _log_system_exit(error)
        return
    site = failure.place(_unguarded(files)) or failure.raised_at(error)
    if phase == "process":
        recorder.log(
            failures.UNPICKLE_FAILED,
            failure.kind(error),
            failure.message(error),
            failure.text(error),
            "Process.start",
            0,
            0,
            site,
            0,
        )
    ending.tell(error, "spawn", site)


SLOW_NS = 300_000_000
"""A start that took so long is worth counting what it imported."""


def _delay_ms() -> int:
    """Return how long this thread has waited for a core so far: on a busy machine every start is slow; -1 if that is not known."""
    try:
        descriptor = os_open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)
        try:
            return int(read(descriptor, 200).split()[1]) // 1_000_000
        finally:
            close(descriptor)
    except (OSError, ValueError, IndexError):
        return -1


def _packages() -> str:
    """Return ``torch 1480, numpy 210``: the packages with the most modules, without the standard library's."""
    counts: dict[str, int] = {}
    for name in list(sys.modules):
        package = name.partition(".")[0]
        if package not in sys.stdlib_module_names and not package.startswith(("_", "sitecustomize")):
            counts[package] = counts.get(package, 0) + 1
    most = sorted(counts, key=lambda package: -counts[package])[:8]
    return ", ".join(f"{package} {counts[package]}" for package in most)


def _entries(error: BaseException) -> list[Any]:
    entry, found = error.__traceback__, []
    while entry is not None:
        found.append(entry)
        entry = entry.tb_next
    return found


def _unguarded(entries: list[Any]) -> Any:
    """Return the entry of the main script's own line, if this is the error of a missing ``if __name__ == '__main__'``."""
    from . import callsite

    if not entries or entries[-1].tb_frame.f_code.co_name != "_check_not_importing_main":
        return None
    modules = [entry for entry in entries if entry.tb_frame.f_code.co_name == "<module>"]
    return next((entry for entry in modules if callsite.is_program(entry.tb_frame.f_code)), None)
