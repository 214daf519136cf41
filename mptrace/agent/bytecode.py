"""Which module-level names a function stores to or loads, read from its bytecode; cached, and no code of the program is run."""

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

_uses: dict[CodeType, tuple[tuple[str, str, int], ...]] = {}


def is_own(code: CodeType) -> bool:
    """Is this code the program's own: neither the standard library's, nor ours, nor an installed package's?"""
    name = code.co_filename
    return callsite.is_program(code) and "-packages/" not in name and not name.startswith("<")


def uses(code: CodeType) -> tuple[tuple[str, str, int], ...]:
    """Return (``store`` or ``load``, name, offset in bytes) for each use of a module-level name, in order."""
    found = _uses.get(code)
    if found is None:
        found = _uses[code] = tuple(_scan(code))
    return found


def _scan(code: CodeType) -> Iterator[tuple[str, str, int]]:
    from opcode import EXTENDED_ARG, opmap

    stores = {opmap["STORE_GLOBAL"]} | ({opmap["STORE_NAME"]} if code.co_name == "<module>" else set())
    load_global, load_name = opmap["LOAD_GLOBAL"], opmap["LOAD_NAME"]
    raw, extended = code.co_code, 0
    for offset in range(0, len(raw) - 1, 2):
        operation, argument = raw[offset], raw[offset + 1] | extended
        extended = argument << 8 if operation == EXTENDED_ARG else 0
        if operation in stores:
            yield "store", code.co_names[argument], offset
        elif operation == load_global:
            yield "load", code.co_names[argument >> _SHIFT], offset
        elif operation == load_name:
            yield "load", code.co_names[argument], offset


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
