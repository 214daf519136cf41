"""Random generators that a forked child has from its parent: were they used, and which stream did they draw from?

Looked at are the generators that a Process's target names, and ``numpy.random`` if it does: once before it runs, once at its
end. Only exact types are asked for their state, so that no code of the program runs. Tasks of a pool are not looked at.
"""

from __future__ import annotations

import sys
from zlib import crc32

from ...wire.events import shared
from .. import bytecode, callsite, guard, life, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    Watched = tuple[str, Any, tuple[int, int], CodeType, int]

NAME = "random_state"

MOST = 20
"""Generators that are watched in one child."""

_watched: list[Watched] = []


def install(_module: ModuleType) -> None:
    """Look at every Process that runs in a forked child, and again when it ends."""
    life.at_bootstrap.append(_in_child)
    life.at_exit.append(_at_exit)


def _in_child(process: Any) -> None:
    try:
        _watched.clear()
        function = bytecode.function_of(getattr(process, "_target", None) or type(process).run)
        if "random" in sys.modules and function is not None and bytecode.is_own(function.__code__):
            _watch(function)
    except Exception:
        guard.trouble(NAME)


def _watch(function: Any) -> None:
    names, seen = function.__globals__, set()
    for code in bytecode.reachable(function):
        for how, name, offset in bytecode.uses(code):
            generator = _generator(names.get(name), code) if how == "load" else None
            if generator is not None and id(generator) not in seen and len(_watched) < MOST:
                seen.add(id(generator))
                spoken = f"{name}.random" if generator is not names.get(name) else name
                _watched.append((spoken, generator, _state(generator), code, offset))


def _generator(value: Any, code: CodeType) -> Any:
    """Return the generator that a name of the program leads to, None if there is none."""
    kind = type(value)
    if kind is sys.modules["random"].Random:
        return value
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name in ("numpy.random.mtrand.RandomState", "numpy.random._generator.Generator"):
        return value
    if name == "builtins.module" and getattr(value, "__name__", "") == "numpy" and "random" in code.co_names:
        return getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    return None


def _state(generator: Any) -> tuple[int, int]:
    """Return (hash of what says which stream it is, position in it)."""
    module = type(generator).__module__
    if module == "random":
        _, numbers, _ = generator.getstate()
        return hash(numbers[:-1]), numbers[-1]
    state = generator.get_state(legacy=False) if module.endswith("mtrand") else generator.bit_generator.state
    inner = state["state"]
    if "key" in inner:
        return crc32(inner["key"].tobytes()), int(inner["pos"])
    return hash(int(inner.get("inc", 0))), int(inner.get("state", 0)) & 0x7FFFFFFFFFFFFFFF


def _at_exit() -> None:
    try:
        for name, generator, before, code, offset in _watched if NAME not in guard.off else ():
            after = _state(generator)
            if after != before:
                recorder.log(shared.RANDOM_USED, name, hash(before), *after, *_told(code, offset))
        _watched.clear()
    except Exception:
        guard.trouble(NAME)


def _told(code: CodeType, offset: int) -> tuple[str, int, str]:
    return callsite._absolute(code.co_filename), bytecode.line_at(code, offset), getattr(code, "co_qualname", code.co_name)
