"""Calls as a worker has them before it: the function and its arguments in a few words, read from its memory or from a message."""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Iterator

from mptrace.attach.children import target_name
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Unreadable

ARGUMENTS, VALUE_LIMIT = 6, 60
_STARS = ("mapstar", "starmapstar")
_PARTIAL = ("functools", "partial")
_PARTIAL_FUNCTION, _PARTIAL_ARGUMENTS = 16, 24


def describe(insight: Insight, function: int, arguments: int) -> str:
    """Return ``resize(900)`` for the call of a task; a chunk of ``map`` is told by its first item."""
    try:
        function, values, more = _unwrapped(insight, function, arguments)
        told = ", ".join(_value(insight, one) for one in values[:ARGUMENTS])
        return f"{target_name(insight, function)}({told}{f'  and {more} more' if more else ''})"
    except (Unreadable, IndexError, ValueError):  # a worker that is busy has gone on while it was read
        return ""


def function_name(insight: Insight, function: int, arguments: int) -> str:
    """Return the name of the program's own function of a task."""
    return describe(insight, function, arguments).partition("(")[0]


def _unwrapped(insight: Insight, function: int, arguments: int) -> tuple[int, tuple[int, ...], int]:
    """Return the program's function, the arguments of its first call, and how many calls more there are in the same chunk."""
    objects = insight.objects
    name, values = target_name(insight, function), objects.sequence(arguments)
    if name in _STARS:
        function, batch = objects.sequence(values[0])
        items = objects.sequence(batch)
        return function, objects.sequence(items[0]) if name == "starmapstar" else items[:1], len(items) - 1
    if objects.class_of(function) == _PARTIAL:
        inner = objects.memory.u64(function + _PARTIAL_FUNCTION)
        bound = objects.sequence(objects.memory.u64(function + _PARTIAL_ARGUMENTS))
        if target_name(insight, inner) == "_process_chunk":  # executor.map
            items = objects.sequence(values[0])
            return bound[0], objects.sequence(items[0]), len(items) - 1
        return inner, bound + values, 0
    return function, values, 0


def _value(insight: Insight, address: int) -> str:
    objects = insight.objects
    module, kind = objects.class_of(address)
    if (module, kind) == ("builtins", "int"):
        return str(objects.number(address))
    if (module, kind) == ("builtins", "str"):
        text = objects.text(address)
        return repr(text[:VALUE_LIMIT]) + ("..." if len(text) > VALUE_LIMIT else "")
    if (module, kind) == ("builtins", "float"):
        return repr(struct.unpack("<d", objects.memory.read(address + 16, 8))[0])
    if (module, kind) == ("builtins", "bool"):
        return str(bool(objects.number(address)))
    return "None" if kind == "NoneType" else f"<{kind} object>"


# -- messages to the workers of a pool: (job, index, function, arguments, keywords), pickled


def tasks_in(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield job and function of every task whose message begins in the front of a pipe; nothing of it is unpickled."""
    while len(data) >= 4:
        size, front = struct.unpack_from("!i", data)[0], 4
        if size == -1 and len(data) >= 12:
            size, front = struct.unpack_from("!Q", data, 4)[0], 12
        task = _task(data[front : front + max(size, 0)])
        if task is not None:
            yield task
        data = data[front + max(size, 0) :]


def _task(message: bytes) -> tuple[int, str] | None:
    job, pushed = -1, ["", ""]
    kept: dict[int, str] = {}
    try:
        for opcode, argument, _ in pickletools.genops(message):
            if opcode.name in {"PROTO", "FRAME", "MARK"}:
                continue
            if opcode.name == "MEMOIZE":
                kept[len(kept)] = pushed[-1]
                continue
            if job < 0 and isinstance(argument, int):
                job = argument
            if opcode.name in {"STACK_GLOBAL", "GLOBAL"}:
                module, name = str(argument).split(" ", 1) if opcode.name == "GLOBAL" else pushed[-2:]
                if module != "multiprocessing.pool":
                    return job, name
            pushed.append(_pushed(opcode.name, argument, kept))
    except (ValueError, IndexError, KeyError):
        return None  # cut off, or no pickle
    return None


def _pushed(opcode: str, argument: object, kept: dict[int, str]) -> str:
    if "GET" in opcode and isinstance(argument, int):
        return kept.get(argument, "")
    return argument if isinstance(argument, str) else ""
