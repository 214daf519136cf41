"""Module-level variables that code in a child stores to, and whose old value its parent reads afterwards."""

from __future__ import annotations

import sys

from ...wire.events import shared
from .. import brief, bytecode, callsite, guard, inherit, life, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType, FunctionType, ModuleType
    from typing import Any

    Place = tuple[CodeType, int]
    Stored = tuple[dict[str, Any], dict[str, Place], set[CodeType]]

NAME = "module_state"

_watched: list[tuple[dict[str, Any], str, str, Place]] = []
"""In a child: (globals, name, text of the value when it began, where it is stored)."""

_known: dict[CodeType, Stored] = {}
_read: dict[tuple[int, str], tuple[dict[str, Any], Place]] = {}
"""In a parent: (id of globals, name) -> where it is read after a child that may change it was started."""


def install(_module: ModuleType) -> None:
    """Look at every Process that is started, and at what it has changed when it ends."""
    life.at_start.append(_in_parent)
    life.at_bootstrap.append(_in_child)
    life.at_exit.append(_at_exit)
    inherit.in_child_hooks.append(_read.clear)


def _stored_by(process: Any) -> Stored:
    """Return (globals, name -> where it is stored, the code looked at) for what a Process will run."""
    function = bytecode.function_of(getattr(process, "_target", None) or type(process).run)
    if function is None or not bytecode.is_own(function.__code__):
        return {}, {}, set()
    known = _known.get(function.__code__)
    if known is None or known[0] is not function.__globals__:
        _known.clear()  # one is enough: a loop starts the same target again and again
        known = _known[function.__code__] = _look_at(function)
    return known


def _look_at(function: FunctionType) -> Stored:
    codes, names = bytecode.reachable(function), function.__globals__
    stored: dict[str, Place] = {}
    for code in codes:
        for how, name, offset in bytecode.uses(code):
            if how == "store" and name in names:
                stored.setdefault(name, (code, offset))
    return names, stored, codes


def _in_child(process: Any) -> None:
    try:
        _watched.clear()
        names, stored, _ = _stored_by(process)
        _watched.extend((names, name, brief.value(names.get(name)), place) for name, place in stored.items())
    except Exception:
        guard.trouble(NAME)


def _in_parent(process: Any) -> None:
    try:
        names, stored, theirs = _stored_by(process)
        if stored:
            _look_for_reads(names, set(stored), theirs)
    except Exception:
        guard.trouble(NAME)


def _look_for_reads(names: dict[str, Any], stored: set[str], theirs: set[CodeType]) -> None:
    """Note where the frames that start the child, or functions they name further down, load what it stores to."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if frame.f_globals is names and bytecode.is_own(code):
            for name, offset in _loads_behind(code, frame.f_lasti):
                if name in stored:
                    _read.setdefault((id(names), name), (names, (code, offset)))
            for other in bytecode.reachable_code(code, names, frame.f_lasti) - theirs - {code}:
                _note_loads(other, names, stored)
        frame = None if callsite._is_bottom(code) else frame.f_back


def _loads_behind(code: CodeType, after: int) -> list[tuple[str, int]]:
    return [(name, offset) for how, name, offset in bytecode.uses(code) if how == "load" and offset > after]


def _note_loads(code: CodeType, names: dict[str, Any], stored: set[str]) -> None:
    for name, offset in _loads_behind(code, -1):
        if name in stored:
            _read.setdefault((id(names), name), (names, (code, offset)))


def _at_exit() -> None:
    try:
        if NAME in guard.off:
            return
        for names, name, before, place in _watched:
            after = brief.value(names.get(name))
            if after != before:
                recorder.log(shared.GLOBAL_CHANGED, _module_name(names), name, before, after, *_told(place))
        for (_, name), (names, place) in _read.items():
            recorder.log(shared.GLOBAL_READ, _module_name(names), name, brief.value(names.get(name)), *_told(place))
    except Exception:
        guard.trouble(NAME)


def _module_name(names: dict[str, Any]) -> str:
    name = names.get("__name__")
    return "__main__" if name == "__mp_main__" else str(name)


def _told(place: Place) -> tuple[str, int, str]:
    code, offset = place
    return callsite._absolute(code.co_filename), bytecode.line_at(code, offset), getattr(code, "co_qualname", code.co_name)
