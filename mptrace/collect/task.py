"""A task of a pool or executor from the bytes in which its worker received it: its number, and its call as the program would write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mptrace.collect.pickled import Cut, Thing, read_pickle, size_of_set

LIMIT = 60
"""Longest text of one value, in characters."""


@dataclass(frozen=True, slots=True)
class Task:
    """``number``: job << 32 | index."""

    number: int
    text: str


def read_task(data: bytes) -> Task | None:
    """Return what was received; None if that is no task (a sentinel, or nothing that can be read)."""
    parts = read_pickle(data)
    if len(parts) == 1 and isinstance(parts[0], tuple):
        parts = list(parts[0])
    if parts and isinstance(parts[0], Thing) and parts[0].name == "_CallItem":
        return _of_executor(parts)
    if len(parts) >= 3 and type(parts[0]) is int and isinstance(parts[2], (Thing, Cut)):
        return Task(_number(parts[0], parts[1]), _call(parts[2], parts[3:]))
    return None


def _of_executor(parts: list[Any]) -> Task | None:
    fields: dict[Any, Any] = {}
    for state in parts[0].state:
        fields |= state if isinstance(state, dict) else {}
    if not fields:  # cut off before the object had its fields: they stand one by one
        names = [value for value in parts if value in ("work_id", "fn", "args", "kwargs") and isinstance(value, str)]
        places = [parts.index(name) for name in names]
        fields = {parts[at]: parts[at + 1] for at in places if at + 1 < len(parts)}
        if "args" in names:
            return _executor_task(fields, parts[parts.index("args") + 1 :])
    return _executor_task(fields, [fields.get("args", ()), fields.get("kwargs", {})])


def _executor_task(fields: dict[Any, Any], arguments: list[Any]) -> Task | None:
    function = fields.get("fn")
    return Task(_number(fields.get("work_id"), 0), _call(function, arguments)) if isinstance(function, (Thing, Cut)) else None


def _number(job: Any, index: Any) -> int:
    job, index = (part & 0xFFFFFFFF if type(part) is int else 0 for part in (job, index))
    return int(job << 32 | index)


def _call(function: Any, arguments: list[Any]) -> str:
    """Return ``name(arguments)``; a chunk of ``map`` is told by its first item."""
    inner, batch = _unwrapped(function, arguments)
    if batch is None:
        return f"{name_of(function)}({_arguments(arguments)})"
    whole = bool(batch) and not any(isinstance(item, Cut) for item in batch)
    first: Any = batch[0] if batch else Cut()
    spread = isinstance(function, Thing) and function.name != "mapstar" and isinstance(first, tuple)
    told = ", ".join(value(item) for item in first[:6]) if spread else value(first)
    more = "" if len(batch) < 2 else f"  and {len(batch) - 1} more" if whole else "  and more"
    return f"{name_of(inner)}({told}{more})"


def _unwrapped(function: Any, arguments: list[Any]) -> tuple[Any, tuple[Any, ...] | None]:
    """Return the program's own function and the items of a chunk; (function, None) if this is no chunk."""
    whole = bool(arguments) and isinstance(arguments[0], tuple) and not any(isinstance(item, Cut) for item in arguments)
    rest = list(arguments[0]) if whole else arguments
    if isinstance(function, Thing) and function.module == "multiprocessing.pool" and function.name in ("mapstar", "starmapstar"):
        pair = list(rest[0]) if rest and isinstance(rest[0], tuple) else rest
        if not pair:
            return Cut(), ()
        return pair[0], tuple(pair[1]) if len(pair) > 1 and isinstance(pair[1], tuple) else tuple(pair[1:])
    partial = _partial(function)
    if partial is not None and partial[0].name == "_process_chunk" and partial[1]:
        return partial[1][0], tuple(rest[0]) if whole and rest and isinstance(rest[0], tuple) else tuple(rest)
    return function, None


def _partial(function: Any) -> tuple[Thing, tuple[Any, ...]] | None:
    """Return (function, arguments) of a functools.partial, as multiprocessing and functools pickle it."""
    if not isinstance(function, Thing) or function.name not in ("_rebuild_partial", "partial"):
        return None
    inner, arguments = (*function.arguments, None, None)[:2]
    for state in function.state:
        if isinstance(state, tuple) and len(state) >= 2:
            inner, arguments = state[:2]
    return (inner, arguments) if isinstance(inner, Thing) and isinstance(arguments, tuple) else None


def name_of(function: Any) -> str:
    """Return how the program calls a function or class: ``module.qualname`` without ``__main__.``."""
    if not isinstance(function, Thing):
        return "..."
    partial = _partial(function)
    if partial is not None:
        return f"partial({name_of(partial[0])})"
    if function.name == "getattr" and len(function.arguments) == 2:  # a method of an object
        owner, method = function.arguments
        return f"{name_of(_class_of(owner))}.{method}"
    if function.made_by is not None:
        function = _class_of(function)
    own = function.module in ("", "__main__", "__mp_main__", "builtins")
    return function.name if own else f"{function.module}.{function.name}"


def _class_of(what: Any) -> Any:
    if isinstance(what, Thing) and what.name in ("_reconstructor", "__newobj__") and what.arguments:
        return what.arguments[0]
    return Thing(what.module, what.name) if isinstance(what, Thing) else what


def _arguments(arguments: list[Any]) -> str:
    if len(arguments) == 2 and isinstance(arguments[0], tuple) and isinstance(arguments[1], dict):
        args, kwargs = arguments
        return ", ".join([*map(value, args[:6]), *(f"{key}={value(item)}" for key, item in list(kwargs.items())[:6])])
    if arguments and isinstance(arguments[0], tuple):
        arguments = [*arguments[0], *arguments[1:]]
    return ", ".join(map(value, arguments[:6]))


def value(what: Any, depth: int = 2) -> str:
    """Return a short text for any value: its own for plain ones, ``<Page object>`` for others."""
    if isinstance(what, Cut):
        text = f"{what.begun[:LIMIT]!r}..." if what.begun else "..."
    elif isinstance(what, Thing):
        text = name_of(what) if what.made_by is None else f"<{_class_of(what).name.rpartition('.')[2]} object>"
    elif isinstance(what, (str, bytes)):
        text = repr(what[:LIMIT]) + ("..." if len(what) > LIMIT else "")
    elif size_of_set(what) is not None:
        text = f"<set of {size_of_set(what)}>"
    elif isinstance(what, (tuple, list, dict)):
        text = _container(what, depth)
    else:
        text = repr(what) if type(what) is not int or abs(what) < 1 << 200 else "<big int>"
    return text if len(text) <= LIMIT + 10 else text[:LIMIT] + "..."


def _container(what: Any, depth: int) -> str:
    size = len(what)
    if depth == 0:
        return f"<{type(what).__name__} of {size}>"
    if isinstance(what, dict):
        inner = [f"{value(key, 0)}: {value(item, depth - 1)}" for key, item in list(what.items())[:4]]
    else:
        inner = [value(item, depth - 1) for item in what[:5]]
    inner += ["..."] * (size > len(inner))
    opening, closing = ("{", "}") if isinstance(what, dict) else ("[", "]") if isinstance(what, list) else ("(", ")")
    return opening + ", ".join(inner) + ("," if isinstance(what, tuple) and size == 1 else "") + closing
