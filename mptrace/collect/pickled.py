"""What stands in a pickle, or in its first bytes, without running any of it: plain values, and `Thing` for everything else.

A pickle is a program for a small stack machine. This one calls nothing and imports nothing: what would be called or imported
is only named. A pickle that is cut off leaves what it had built so far.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

MOST_STEPS = 2000
"""Most instructions that are followed."""


@dataclass(eq=False, slots=True)
class Thing:
    """A class, function or object, by name; ``made_by``: for an object, what it would be made by, with which arguments."""

    module: str
    name: str
    made_by: Thing | None = None
    arguments: tuple[Any, ...] = ()
    state: list[Any] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Cut:
    """Stands for what was cut off, behind the part of it that is there, if it was text."""

    begun: str = ""


_MARK = object()
_UNKNOWN = Thing("", "object")


def read_pickle(data: bytes) -> list[Any]:
    """Return what is on the stack at the end: one value of a whole pickle; of one that is cut, its parts, and a `Cut`."""
    machine = _Machine()
    for name, argument in _instructions(data):
        if name == "STOP":
            return machine.stack[-1:]
        machine.step(name, argument)
    return [value for value in machine.stack if value is not _MARK]


def _instructions(data: bytes) -> Iterator[tuple[str, Any]]:
    stream = BytesIO(data)
    steps = pickletools.genops(stream)
    for _ in range(MOST_STEPS):
        at = stream.tell()
        try:
            opcode, argument, _ = next(steps)
        except Exception:  # it is cut off here, or was never a pickle
            yield "CUT", Cut(_text(data[at + 1 + _LENGTHS[data[at : at + 1]] :]) if data[at : at + 1] in _LENGTHS else "")
            return
        yield opcode.name, argument
        if opcode.name == "STOP":
            return
    yield "CUT", Cut()


_LENGTHS = {b"X": 4, b"\x8c": 1, b"\x8d": 8}  # texts -> how many bytes say how long they are


def _text(data: bytes) -> str:
    return data.decode("utf-8", "ignore")


class _Machine:
    """The stack, and what was noted for later."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Follow one instruction; one that is not known, or finds too little on the stack, leaves something unknown."""
        try:
            if name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name in _NOTING:
                self.memo[len(self.memo) if argument is None else int(argument)] = self.stack[-1]
            elif name in _STEPS:
                _STEPS[name](self, argument)
            elif argument is not None and name not in _WITHOUT_VALUE:
                self.stack.append(argument)
        except (IndexError, TypeError, ValueError, KeyError):
            self.stack.append(_UNKNOWN)

    def since_mark(self) -> list[Any]:
        """Take what was put on the stack behind the last mark, and the mark."""
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not _MARK:
            at -= 1
        found = self.stack[at + 1 :]
        del self.stack[max(at, 0) :]
        return found

    def take(self, count: int) -> list[Any]:
        """Take so many from the stack."""
        if len(self.stack) < count:
            raise IndexError
        found = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return found


def _made(machine: _Machine, maker: Any, arguments: Any) -> None:
    maker = maker if isinstance(maker, Thing) else _UNKNOWN
    machine.stack.append(Thing(maker.module, maker.name, maker, arguments if isinstance(arguments, tuple) else ()))


def _reduce(machine: _Machine, _: Any) -> None:
    _made(machine, *machine.take(2))


def _new_with_keywords(machine: _Machine, _: Any) -> None:
    _made(machine, *machine.take(3)[:2])


def _named(machine: _Machine, argument: Any) -> None:
    module, name = str(argument).split(" ", 1)
    machine.stack.append(Thing(module, name))


def _named_on_stack(machine: _Machine, _: Any) -> None:
    module, name = machine.take(2)
    machine.stack.append(Thing(str(module), str(name)))


def _build(machine: _Machine, _: Any) -> None:
    (state,) = machine.take(1)
    if isinstance(machine.stack[-1], Thing):
        machine.stack[-1].state.append(state)


def _set_items(machine: _Machine, items: list[Any]) -> None:
    into = machine.stack[-1]
    if isinstance(into, dict):
        into.update(
            (key, value) for key, value in zip(items[::2], items[1::2], strict=False) if isinstance(key, (str, int, bytes, float))
        )


def _append(machine: _Machine, items: list[Any]) -> None:
    if isinstance(machine.stack[-1], list):
        machine.stack[-1].extend(items)


def _add(machine: _Machine, _: Any) -> None:
    count = len(machine.since_mark())
    if isinstance(machine.stack[-1], _Set):
        machine.stack[-1].size += count


@dataclass(eq=False, slots=True)
class _Set:
    size: int


def size_of_set(value: object) -> int | None:
    """Return how many elements a set has, None if this is none."""
    return value.size if isinstance(value, _Set) else None


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": _MARK}
_NOTING = frozenset(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"))
_WITHOUT_VALUE = frozenset(("PROTO", "FRAME", "PERSID"))
_STEPS: dict[str, Callable[[_Machine, Any], object]] = {
    "GET": lambda m, a: m.stack.append(m.memo[int(a)]),
    "BINGET": lambda m, a: m.stack.append(m.memo[a]),
    "LONG_BINGET": lambda m, a: m.stack.append(m.memo[a]),
    "CUT": lambda m, a: m.stack.append(a),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append(_Set(0)),
    "FROZENSET": lambda m, _: m.stack.append(_Set(len(m.since_mark()))),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.take(3))),
    "APPEND": lambda m, _: _append(m, m.take(1)),
    "APPENDS": lambda m, _: _append(m, m.since_mark()),
    "SETITEM": lambda m, _: _set_items(m, m.take(2)),
    "SETITEMS": lambda m, _: _set_items(m, m.since_mark()),
    "ADDITEMS": _add,
    "POP": lambda m, _: m.take(1),
    "POP_MARK": lambda m, _: m.since_mark(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _new_with_keywords,
    "GLOBAL": _named,
    "STACK_GLOBAL": _named_on_stack,
    "BUILD": _build,
    "NEXT_BUFFER": lambda m, _: m.stack.append(_UNKNOWN),
    "READONLY_BUFFER": lambda _m, _a: None,
}
