"""Short texts for values of the program, without running a line of its code: no ``__repr__`` but that of exact builtin types."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIMIT = 60
"""Longest text of one value, in characters."""

_FUNCTIONS = (type(lambda: None), type(len), type)
_PLAIN = (int, float, complex, bool, type(None))


def value(what: Any, depth: int = 2) -> str:
    """Return a short text for any value: its own for plain builtin ones, ``<Page object>`` for others; never raises."""
    kind = type(what)
    if kind in _PLAIN:
        text = repr(what) if kind is not int or abs(what) < 1 << 200 else "<big int>"
    elif kind is str or kind is bytes:
        text = repr(what[:LIMIT]) + ("..." if len(what) > LIMIT else "")
    elif kind in (tuple, list, set, frozenset, dict):
        text = _container(what, kind, depth)
    elif kind in _FUNCTIONS:
        text = name_of(what)
    else:
        text = f"<{type.__getattribute__(kind, '__name__')} object>"
    return text if len(text) <= LIMIT + 10 else text[:LIMIT] + "..."


def _container(what: Any, kind: Any, depth: int) -> str:
    size = len(what)
    if depth == 0 or kind in (set, frozenset):
        return f"<{kind.__name__} of {size}>"
    if kind is dict:
        inner = [f"{value(k, 0)}: {value(v, depth - 1)}" for k, v in list(what.items())[:4]]
    else:
        inner = [value(item, depth - 1) for item in what[:5]]
    inner += ["..."] * (size > len(inner))
    opening, closing = {dict: ("{", "}"), list: ("[", "]"), tuple: ("(", ")")}[kind]
    return opening + ", ".join(inner) + ("," if kind is tuple and size == 1 else "") + closing


def arguments(args: object, kwargs: object = None) -> str:
    """Return ``'img.png', 3, key=<Page object>`` for a call's arguments."""
    parts = [value(arg) for arg in args[:6]] if isinstance(args, (tuple, list)) else [value(args)]
    if type(kwargs) is dict:
        parts += [f"{key}={value(item)}" for key, item in list(kwargs.items())[:6]]
    return ", ".join(parts)


def name_of(what: object) -> str:
    """Return how the program calls a function or class: ``module.qualname`` without ``__main__.``."""
    import_name = getattr(what, "__module__", None)
    name = getattr(what, "__qualname__", None) or getattr(what, "__name__", None)
    if type(name) is not str:
        function = getattr(what, "func", None)
        return f"partial({name_of(function)})" if function is not None else value(what)
    return name if import_name in (None, "__main__", "__mp_main__", "builtins") else f"{import_name}.{name}"
