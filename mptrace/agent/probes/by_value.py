"""Picklers that send functions by value, as cloudpickle's does (joblib, loky, dask, Ray): what could not be sent, and why.

Functions and classes of ``__main__``, lambdas and what is made inside of functions travel with all that they use: closures,
defaults, and the globals that their code names. That is where the offender is, as often as in the arguments.
"""

from __future__ import annotations

import sys
import threading
from types import FunctionType, ModuleType

from ...wire.events import failures
from ...wire.resource import NONE
from .. import brief, budget, callsite, failure, guard, offender, originals, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

NAME = "by_value"

PICKLERS = ("cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle", "ray.cloudpickle.cloudpickle")
"""Modules with a class CloudPickler; the last two are copies of the first."""

_budget = budget.Budget(50, 1)
_told: list[int] = []  # the error that was told last, by identity: of pickling inside of pickling the inner one tells


def install(module: ModuleType) -> None:
    """Watch CloudPickler.dump wherever multiprocessing is used, in whichever order the two are imported."""
    modules = [sys.modules.get(name) for name in PICKLERS] if module.__name__.startswith("multiprocessing.") else [module]
    for found in modules:
        pickler = getattr(found, "CloudPickler", None)
        if pickler is not None and "multiprocessing.reduction" in sys.modules:
            originals.patch(NAME, pickler, "dump", _dump)


def _dump(original: Callable[..., object]) -> object:
    def dump(self: Any, obj: Any) -> object:
        try:
            return original(self, obj)
        except Exception as error:
            _note(obj, error)
            failure.hide(error)
            raise

    return dump


def _note(what: Any, error: Exception) -> None:
    try:
        if NAME in guard.off or id(error) in _told or isinstance(error, RecursionError) or not _budget.spend():
            return
        _told[:] = [id(error)]
        called, roots = _roots(what)
        path, blame = ByValue(0.25, error).find_in(roots)
        site, stack = _asked_at()
        recorder.log(
            failures.PICKLE_FAILED, failure.kind(error), failure.message(error), path, blame, called, "",
            NONE, 0, site, stack, 0,
        )  # fmt: skip
    except Exception:
        guard.trouble(NAME)


def _roots(what: Any) -> tuple[str, list[tuple[str, object]]]:
    """Return what is sent, in the program's words, and its parts: of a call (loky, joblib) its function and arguments."""
    own = getattr(what, "__dict__", None)
    if type(own) is not dict or not {"fn", "args", "kwargs"} <= own.keys():
        return brief.value(what), [("item", what)]
    calls = [(own["fn"], own["args"], own["kwargs"])]
    batch = getattr(own["fn"], "__dict__", {}).get("items")
    if type(batch) is list and all(type(call) is tuple and len(call) == 3 for call in batch):  # joblib's BatchedCalls
        calls = batch
    roots: list[tuple[str, object]] = []
    for function, args, kwargs in calls:
        roots += [(getattr(function, "__name__", "function"), function), ("args", args), ("kwargs", kwargs)]
    return brief.value(calls[0][0]), roots


def _asked_at() -> tuple[int, int]:
    """Return the line of the user's program and the stack: of this thread, or, if it is one of a library's, of the main thread."""
    found = _users_place(sys._getframe(2))
    if found is None and threading.current_thread() is not threading.main_thread():  # no frame may hold itself: it would stay
        found = _users_place(sys._current_frames().get(threading.main_thread().ident or 0))
    return found or (0, 0)


def _users_place(top: FrameType | None) -> tuple[int, int] | None:
    users = _users_frame(top)
    return None if users is None else (callsite.frame_number(users), callsite.place_and_stack_of(top)[1])


def _users_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that is neither the standard library's nor an installed package's."""
    while frame is not None and not (callsite.is_program(frame.f_code) and "-packages/" not in frame.f_code.co_filename):
        frame = frame.f_back
    return frame


class ByValue(offender.Search):
    """The search by cloudpickle's rules."""

    def blame(self, what: object) -> str:
        """Return what is wrong with an object itself; functions and classes can all be sent."""
        kind = type(what)  # isinstance() would ask the object for its class
        return "" if issubclass(kind, (FunctionType, type, ModuleType)) else offender.blame(what, self.hint)

    def children(self, what: Any) -> Iterator[tuple[str, object]]:
        """Yield what is sent with it: of a function that is sent by value, all that it uses."""
        if type(what) is FunctionType:
            return _used_by(what) if _is_sent_whole(what) else iter(())
        if issubclass(type(what), type):
            return _of_class(what) if _is_sent_whole(what) else iter(())
        return offender.children(what)


def _is_sent_whole(what: Any) -> bool:
    """Is it not to be found by its name in a module that the receiver can import?"""
    module = sys.modules.get(what.__module__ or "")
    if module is None or what.__module__ == "__main__":
        return True
    found: Any = module
    for part in what.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return found is not what


def _used_by(function: FunctionType) -> Iterator[tuple[str, object]]:
    for number, value in enumerate(function.__defaults__ or ()):
        yield f" default [{number}]", value
    for name, value in (function.__kwdefaults__ or {}).items():
        yield f" default {name}", value
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield f" -> {name}", cell.cell_contents
        except ValueError:  # not assigned yet
            pass
    for name in _names_in(function.__code__):
        if name in function.__globals__:
            yield f" -> {name}", function.__globals__[name]


def _names_in(code: Any) -> list[str]:
    """Return the names that its code and that of functions inside of it look up."""
    inner = [name for const in code.co_consts if hasattr(const, "co_names") for name in _names_in(const)]
    return list(dict.fromkeys([*code.co_names, *inner]))


def _of_class(kind: type) -> Iterator[tuple[str, object]]:
    for name, value in list(kind.__dict__.items()):
        if name not in ("__dict__", "__weakref__", "__doc__"):
            yield f".{name}", getattr(value, "__func__", value)
