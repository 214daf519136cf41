"""The one way in: leave a mark, watch for the imports that matter, and let everything else of the host alone.

What a process pays that never imports multiprocessing is this file: one file created, one entry on
``sys.meta_path``, one at-fork callback. The recorder is opened when the first probe's target is imported.
"""

import sys
from os import O_CLOEXEC, O_CREAT, O_WRONLY, close, environ, getpid, register_at_fork
from os import open as os_open
from time import monotonic_ns

from ..wire.rundir import ENV_RUN, PROCESSES, seen_name
from .probe import TARGETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

del __file__  # the module `trace` counts the lines of whatever has one, and our finder is called at every import

run_path = ""
"""The run directory's absolute path; empty until `boot` has run."""


OWN = ("multiprocessing.", "concurrent.")
"""Packages whose use makes a process one that is recorded."""


def boot() -> None:
    """Arrange for the probes to be installed when their targets are imported; never raises."""
    global run_path
    run_path = environ.get(ENV_RUN, "")
    if not run_path or any(finder is ImportHook for finder in sys.meta_path):  # type: ignore[comparison-overlap]
        return
    _leave_mark()
    sys.meta_path.insert(0, ImportHook)  # type: ignore[arg-type]
    register_at_fork(after_in_child=_after_fork)
    for name in [name for name in TARGETS if name in sys.modules]:
        _install(name, sys.modules[name])


def _leave_mark() -> None:
    """Say that the agent is here: an empty file, whose name says it all."""
    try:
        path = f"{run_path}/{PROCESSES}/{seen_name(getpid(), monotonic_ns())}"
        close(os_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
    except OSError:  # the run directory is gone, full or not ours: the observer sees the process all the same
        pass


def _after_fork() -> None:
    """In a forked child, before any other callback of the host: take over with a file of our own."""
    recorder = sys.modules.get(__package__ + ".recorder") if __package__ else None
    try:
        if recorder is None:
            _leave_mark()
        else:
            from . import inherit

            inherit.in_child()
    except Exception:  # noqa: BLE001 - the guest's oath
        pass


def _install(target: str, module: "ModuleType") -> None:
    """Install the probes of one target that has just been imported; a failing one is switched off by the guard."""
    if not target.startswith(OWN) and f"{__package__}.recorder" not in sys.modules:
        return  # a pickler alone makes no job: its probe comes with multiprocessing
    try:
        from . import bundle

        bundle.load(ImportHook.bundled)
        from . import guard

        guard.install(target, module, run_path)
        if target == "multiprocessing.reduction":  # the last of those that come with the package itself
            bundle.keep()
    except Exception:  # noqa: BLE001 - the guest's oath
        pass


class ImportHook:
    """A finder that knows our targets and our own modules only, and answers None to every other name as fast as it can."""

    busy: set[str] = set()
    bundled: "dict[str, Any]" = {}

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> object:
        """Return the spec that the other finders give for one of our targets, with a loader that calls us afterwards."""
        if name not in TARGETS or name in cls.busy:
            return cls.bundled[name].spec(name) if name in cls.bundled else None
        cls.busy.add(name)
        try:
            return _watched(name, path, target)
        finally:
            cls.busy.discard(name)


def _watched(name: str, path: object, target: object) -> object:
    """Ask the finders behind us; shadow ``exec_module`` on the loader's instance, which is made anew for every module."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        if finder is ImportHook or find_spec is None:  # type: ignore[comparison-overlap]
            continue
        spec = find_spec(name, path, target)
        if spec is not None:
            _shadow(spec.loader, name)
            return spec
    return None


def _shadow(loader: object, name: str) -> None:
    execute = loader.exec_module  # type: ignore[attr-defined]

    def exec_module(module: "ModuleType") -> None:
        execute(module)
        try:
            del loader.exec_module  # type: ignore[attr-defined]  # the loader is as it was
        except AttributeError:
            pass
        _install(name, module)

    try:
        loader.exec_module = exec_module  # type: ignore[attr-defined]
    except AttributeError:  # a loader class without instances of its own (frozen, builtin)
        pass
