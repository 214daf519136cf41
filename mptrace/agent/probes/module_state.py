"""Module-level variables that code in a child stores or adds to, and whose old value its parent reads afterwards.

Looked at are what a Process's target reaches, and the functions that a pool or executor is given: in a worker after its first
tasks and at its end, since most workers are ended by a signal.
"""

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

OWN_USE = ("cache", "memo")
"""What is called so is meant to be each process's own."""

_MISSING = object()


class Watched:
    """A variable in a child: the globals it is in, its name (``state.count`` of an attribute), its text when the child began."""

    __slots__ = ("before", "name", "names", "place", "told")

    def __init__(self, names: dict[str, Any], name: str, place: Place) -> None:
        self.names, self.name, self.place, self.told = names, name, place, False
        self.before = _text(names, name)

    def tell(self) -> None:
        """Say it once if it has changed."""
        after = _text(self.names, self.name)
        if after != self.before and not self.told:
            self.told = True
            recorder.log(
                shared.GLOBAL_CHANGED,
                _module_name(self.names),
                self.name,
                self.before,
                after,
                *_told(self.place),
                _how(self.place),
            )


_watched: list[Watched] = []
_known: dict[CodeType, Stored] = {}
_read: dict[tuple[int, str], tuple[dict[str, Any], Place, str]] = {}
"""In a parent: (id of globals, name) -> where it is read after a child that may change it was started, and its text then."""


def install(_module: ModuleType) -> None:
    """Look at every Process that is started and every function that a pool is given, and at what they have changed in the end."""
    life.at_start.append(_in_parent)
    life.at_submit.append(_expect)
    life.at_bootstrap.append(_in_child)
    life.at_task.append(_watch)
    life.at_task_done.append(_tell_changes)
    life.at_exit.append(_at_exit)
    inherit.in_child_hooks.append(_read.clear)


def _stored_by(target: Any) -> Stored:
    """Return (globals, name -> where it is changed, the code looked at) for what a child will run."""
    function = bytecode.function_of(target)
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
            if (how == "store" and name in names) or (how == "change" and _is_state(names, name)):
                stored.setdefault(name, (code, offset))
    return names, stored, codes


def _is_state(names: dict[str, Any], name: str) -> bool:
    """Is it a container, or an attribute of an object or class of this module? A library's object is its own affair."""
    head, _, attribute = name.partition(".")
    value, kind = names.get(head), type(names.get(head))
    if any(word in name.lower() for word in OWN_USE):
        return False
    if not attribute:
        return issubclass(kind, (list, dict, set)) or kind.__name__ == "deque"
    owner = value if issubclass(kind, type) else kind
    return bool(type.__getattribute__(owner, "__module__") == names.get("__name__"))


def _in_child(process: Any) -> None:
    try:
        _watched.clear()
        _watch(getattr(process, "_target", None) or type(process).run)
    except Exception:
        guard.trouble(NAME)


def _watch(target: Any) -> None:
    names, stored, _ = _stored_by(target)
    _watched.extend(Watched(names, name, place) for name, place in stored.items())


def _in_parent(process: Any) -> None:
    _expect(getattr(process, "_target", None) or type(process).run)


def _expect(target: Any) -> None:
    try:
        names, stored, theirs = _stored_by(target)
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
            _note_loads(code, names, stored, frame.f_lasti)
            for other in bytecode.reachable_code(code, names, frame.f_lasti) - theirs - {code}:
                _note_loads(other, names, stored, -1)
        frame = None if callsite._is_bottom(code) else frame.f_back


def _note_loads(code: CodeType, names: dict[str, Any], stored: set[str], after: int) -> None:
    uses = bytecode.uses(code)
    changing = {(name, offset) for how, name, offset in uses if how == "change"}
    for how, name, offset in uses:
        if how == "load" and offset > after and name in stored and (name, offset) not in changing:
            _read.setdefault((id(names), name), (names, (code, offset), _text(names, name)))


def _text(names: dict[str, Any], name: str) -> str:
    """Return a text of a variable's value that tells its size as well."""
    head, _, attribute = name.partition(".")
    value = names.get(head, _MISSING)
    if attribute:
        value = _attribute(value, attribute)
    text, kind = brief.value(value), type(value)
    if value is _MISSING:
        return "unset"
    for base in (list, dict, set):
        if issubclass(kind, base) and (kind is not base or "..." in text):
            return f"{text} of {base.__len__(value)}"
    return text


def _attribute(owner: Any, name: str) -> object:
    """Return what an object or class itself has under a name, without a word of the program's code."""
    if isinstance(owner, type):
        return type.__dict__["__dict__"].__get__(owner).get(name, _MISSING)
    try:
        own = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return _MISSING
    return own.get(name, _MISSING) if type(own) is dict else _MISSING


def _tell_changes() -> None:
    try:
        for watched in _watched if NAME not in guard.off else ():
            watched.tell()
    except Exception:
        guard.trouble(NAME)


def _at_exit() -> None:
    _tell_changes()
    try:
        for (_, name), (names, place, before) in _read.items() if NAME not in guard.off else ():
            value = _text(names, name)
            if value == before:  # else this process has a use of its own for it
                recorder.log(shared.GLOBAL_READ, _module_name(names), name, value, *_told(place))
    except Exception:
        guard.trouble(NAME)


def _module_name(names: dict[str, Any]) -> str:
    name = names.get("__name__")
    return "__main__" if name == "__mp_main__" else str(name)


def _how(place: Place) -> str:
    code, at = place
    return next((how for how, _, offset in bytecode.uses(code) if offset == at and how != "load"), "store")


def _told(place: Place) -> tuple[str, int, str]:
    code, offset = place
    return callsite._absolute(code.co_filename), bytecode.line_at(code, offset), getattr(code, "co_qualname", code.co_name)
