"""Which module-level names a function stores to, loads or changes, read from its bytecode; cached, and no code of the program is run."""

from __future__ import annotations

import sys
from types import CodeType, FunctionType

from . import callsite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FUNCTIONS = 200
"""Most functions that are looked at for one target."""

_SHIFT = 1 if sys.version_info >= (3, 11) else 0  # LOAD_GLOBAL's lowest bit says since then whether a NULL is pushed

_ATTRIBUTE_SHIFT = 1 if sys.version_info >= (3, 12) else 0  # and that of LOAD_ATTR, whether it is a method that is called

_uses: dict[CodeType, tuple[tuple[str, str, int], ...]] = {}


def is_own(code: CodeType) -> bool:
    """Is this code the program's own: neither the standard library's, nor ours, nor an installed package's?"""
    name = code.co_filename
    return callsite.is_program(code) and "-packages/" not in name and not name.startswith("<")


def uses(code: CodeType) -> tuple[tuple[str, str, int], ...]:
    """Return (``store``, ``load`` or ``change``, name, offset in bytes) for each use of a module-level name, in order.

    ``change``: what the name stands for is added to (``rows.append``, ``table[key] = ...``); of an attribute that is stored to,
    the name is ``state.count``, which is also what a ``load`` of it is called.
    """
    found = _uses.get(code)
    if found is None:
        found = _uses[code] = tuple(_scan(code))
    return found


GROWING = frozenset(("append", "extend", "add", "update", "insert", "setdefault", "appendleft"))
"""Methods that add to a container; one that takes things out of its own copy may well mean to."""


def _scan(code: CodeType) -> Iterator[tuple[str, str, int]]:
    stores, names = ("STORE_GLOBAL", "STORE_NAME") if code.co_name == "<module>" else ("STORE_GLOBAL",), code.co_names
    before, pending = "", list[tuple[str, int]]()  # pending: names that the statement has loaded so far
    for operation, argument, offset in _instructions(code):
        if operation in stores:
            yield "store", names[argument], offset
        elif operation in ("LOAD_GLOBAL", "LOAD_NAME"):
            name = names[argument >> _SHIFT if operation == "LOAD_GLOBAL" else argument]
            pending.append((name, offset))
            yield "load", name, offset
        elif operation in ("LOAD_ATTR", "LOAD_METHOD") and before in ("LOAD_GLOBAL", "LOAD_NAME"):
            attribute = names[argument >> _ATTRIBUTE_SHIFT if operation == "LOAD_ATTR" else argument]
            yield "change" if attribute in GROWING else "load", _of(pending[-1][0], attribute), pending[-1][1]
        elif operation == "STORE_SUBSCR":
            yield from (("change", name, at) for name, at in pending)
        elif operation == "STORE_ATTR":
            yield from (("change", f"{name}.{names[argument]}", at) for name, at in pending)
        if operation.startswith(("STORE_", "DELETE_", "POP_", "RETURN_", "FOR_ITER")):
            pending.clear()
        before = before if operation in ("COPY", "DUP_TOP") else operation


def _of(name: str, attribute: str) -> str:
    return name if attribute in GROWING else f"{name}.{attribute}"


def _instructions(code: CodeType) -> Iterator[tuple[str, int, int]]:
    """Yield (name, argument, offset) of each instruction but the fillers."""
    from opcode import opname

    raw, extended = code.co_code, 0
    for offset in range(0, len(raw) - 1, 2):
        operation, argument = opname[raw[offset]], raw[offset + 1] | extended
        extended = argument << 8 if operation == "EXTENDED_ARG" else 0
        if operation not in ("EXTENDED_ARG", "CACHE", "NOP", "PUSH_NULL"):
            yield operation, argument, offset


def line_at(code: CodeType, offset: int) -> int:
    """Return the line of an instruction."""
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno


def function_of(target: Any) -> FunctionType | None:
    """Return the Python function below a bound method, a partial or a decorated function; None if there is none."""
    for _ in range(5):
        if isinstance(target, FunctionType):
            return target
        target = getattr(target, "__func__", None) or getattr(target, "func", None)
    return None


def reachable(function: FunctionType, after: int = -1) -> set[CodeType]:
    """Return the code of a function and of all functions of its module that it names, directly or through others."""
    return reachable_code(function.__code__, function.__globals__, after)


def reachable_code(code: CodeType, names: dict[str, Any], after: int = -1) -> set[CodeType]:
    """Return the same for code whose globals are ``names``; ``after``: only what it names behind this offset."""
    found = {code}
    waiting = list(_named(code, names, after))
    while waiting and len(found) < FUNCTIONS:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += _named(other, names, -1)
    return found


def _named(code: CodeType, names: dict[str, Any], after: int) -> Iterator[CodeType]:
    for how, name, offset in uses(code):
        value = names.get(name) if how == "load" and offset > after else None
        if isinstance(value, FunctionType) and value.__globals__ is names:
            yield value.__code__
        elif isinstance(value, type) and value.__module__ == names.get("__name__"):
            yield from (item.__code__ for item in list(value.__dict__.values()) if isinstance(item, FunctionType))
    if after < 0:
        yield from (constant for constant in code.co_consts if isinstance(constant, CodeType))
