"""The host's functions as they were: patch in place, keep what was there, put it back.

Nothing is replaced by a subclass and no class changes its identity: a wrapper is set as an attribute of the same
class or module, with the original's name, docstring and signature (``__wrapped__``).
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MARK = "__mptrace__"
"""Attribute of every wrapper of ours; patching twice is harmless."""

_MISSING = object()
_patches: dict[str, list[tuple[object, str, object, object]]] = {}


def patch(probe: str, owner: object, name: str, wrap: Callable[[Callable[..., Any]], object]) -> None:
    """Set ``owner.name`` to ``wrap(original)``, looking like the original; AttributeError if there is none.

    For a classmethod or staticmethod ``wrap`` gets the function below it, and its result is wrapped up again; for a property
    it gets the getter.
    """
    found = owner.__dict__[name] if name in owner.__dict__ else getattr(owner, name)
    if isinstance(found, property):
        _patch_property(probe, owner, name, found, wrap)
        return
    kind = type(found) if isinstance(found, (classmethod, staticmethod)) else None
    original = found.__func__ if kind else found
    if getattr(original, MARK, False):
        return
    wrapper = wrap(original)
    if type(original) is _BUILTIN:
        add(probe, owner, name, disguise(_unbinding(wrapper, original, owner), original))
        return
    wrapper = disguise(wrapper, original)
    add(probe, owner, name, kind(wrapper) if kind else wrapper)  # type: ignore[arg-type]
    home = sys.modules.get(getattr(original, "__module__", None) or "")
    if home is not None and home is not owner and not isinstance(owner, type) and home.__dict__.get(name) is original:
        add(probe, home, name, wrapper)  # pickled as that


_BUILTIN = type(len)


def _unbinding(wrapper: object, original: Any, owner: Any) -> object:
    """Return ``wrapper`` as an object that, like a builtin and unlike a function, is no method of a class that has it as attribute.

    Calling it makes no frame besides the wrapper's. It is pickled as what it stands for: ``os.kill``, and for an attribute of a
    class the builtin itself. The builtin stays where its own name leads (``posix.kill``), since the host may pickle that, too.
    """
    pickled = (getattr, (_Imported(owner.__name__), original.__name__)) if type(owner) is type(sys) else (max, ((original,),))
    body = {
        "__module__": "builtins",
        "__call__": staticmethod(wrapper),  # type: ignore[arg-type]
        "__repr__": lambda _: repr(original),
        "__reduce__": lambda _: pickled,
        "__copy__": lambda self: self,
        "__deepcopy__": lambda self, _: self,
    }
    return type(_BUILTIN.__name__, (), body)()


class _Imported:
    """A module, pickled as the call that imports it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return __import__, (self.name,)


def _patch_property(probe: str, owner: object, name: str, found: property, wrap: Callable[..., object]) -> None:
    if getattr(found.fget, MARK, False):
        return
    getter = disguise(wrap(found.fget), found.fget)
    add(probe, owner, name, property(getter, found.fset, found.fdel, found.__doc__))  # type: ignore[arg-type]


def add(probe: str, owner: object, name: str, value: object) -> None:
    """Set ``owner.name``, which `restore` takes away or sets back; for what is no function."""
    _patches.setdefault(probe, []).append((owner, name, owner.__dict__.get(name, _MISSING), value))
    setattr(owner, name, value)


def disguise(wrapper: object, original: object) -> object:
    """Give ``wrapper`` the original's name, module, docstring, attributes and signature; mark it as ours."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__text_signature__"):
        value = getattr(original, name, None)
        if value is not None:
            setattr(wrapper, name, value)
    wrapper.__wrapped__ = original  # type: ignore[attr-defined]
    setattr(wrapper, MARK, True)
    return wrapper


def restore(probe: str) -> None:
    """Undo the patches of one probe, unless somebody has patched over ours since."""
    for owner, name, before, ours in reversed(_patches.pop(probe, [])):
        if owner.__dict__.get(name) is not ours:
            continue
        if before is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
