"""Random generators that a forked child has from its parent: were they used, and which stream did they draw from?

Looked at are the generators that a Process's target or the function of a worker's first tasks names, and ``numpy.random`` if it
does: before it runs, after the first tasks, and at the end. Only exact types are asked for their state, so that no code of the
program runs.
"""

from __future__ import annotations

import sys
from zlib import crc32

from ...wire.events import shared
from .. import bytecode, callsite, child, guard, life, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    Watched = tuple[str, Any, tuple[int, int], CodeType, int]

NAME = "random_state"

MOST = 20
"""Generators that are watched in one child."""

_watched: list[Watched] = []
_is_forked = False


def install(_module: ModuleType) -> None:
    """Look at every Process that runs in a forked child and at what its first tasks draw from, and again when it ends."""
    life.at_bootstrap.append(_in_child)
    life.at_task.append(_at_task)
    life.at_task_done.append(_tell)
    life.at_exit.append(_tell)


def _in_child(process: Any) -> None:
    try:
        global _is_forked
        _watched.clear()
        _is_forked = child.began_by == "fork"
        _watch(getattr(process, "_target", None) or type(process).run)
    except Exception:
        guard.trouble(NAME)


def _at_task(function: Any) -> None:
    try:
        _watch(function)
    except Exception:
        guard.trouble(NAME)


def _watch(target: Any) -> None:
    if not _is_forked or "random" not in sys.modules:
        return
    function = bytecode.function_of(target)
    if function is None or not bytecode.is_own(function.__code__):
        return
    names, seen, codes = function.__globals__, {id(watched[1]) for watched in _watched}, bytecode.reachable(function)
    seeded = {name.rpartition(".")[0] for code in codes for _, name, _ in bytecode.uses(code) if name.endswith(_SEEDING)}
    seeds = any("seed" in name for code in codes for name in code.co_names)
    for code in codes:
        for how, name, offset in bytecode.uses(code):
            generator = _generator(names.get(name), code) if how == "load" else None
            if generator is not None and id(generator) not in seen and len(_watched) < MOST:
                seen.add(id(generator))
                if name in seeded or (generator is not names.get(name) and seeds):
                    continue  # it may be on a stream of its own
                spoken = f"{name}.random" if getattr(names.get(name), "__name__", "") == "numpy" else name
                _watched.append((spoken, generator, _state(generator), code, offset))


def _generator(value: Any, code: CodeType) -> Any:
    """Return the generator that a name of the program leads to, None if there is none."""
    kind = type(value)
    if kind is sys.modules["random"].Random:
        return value
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name in _GENERATORS:
        return value
    module = getattr(value, "__name__", "") if name == "builtins.module" else ""
    if module == "numpy.random" or (module == "numpy" and "random" in code.co_names):
        return getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    owner = getattr(value, "__self__", None) if name in _METHODS else None
    kind = type(owner)  # ``from numpy.random import rand``: a method of its one generator
    return owner if f"{kind.__module__}.{kind.__qualname__}" in _GENERATORS else None


_SEEDING = (".seed", ".setstate", ".set_state")
_METHODS = ("builtins.method", "builtins.builtin_function_or_method")
_GENERATORS = ("numpy.random.mtrand.RandomState", "numpy.random._generator.Generator")


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


def _tell() -> None:
    """Tell of those that were drawn from, once; the code that draws does not seed them, so they are on the stream they began with."""
    try:
        for watched in list(_watched) if NAME not in guard.off else ():
            name, generator, before, code, offset = watched
            after = _state(generator)
            if after != before:
                _watched.remove(watched)
                recorder.log(shared.RANDOM_USED, name, hash(before), 0, after[1], *_told(code, offset))
    except Exception:
        guard.trouble(NAME)


def _told(code: CodeType, offset: int) -> tuple[str, int, str]:
    return callsite._absolute(code.co_filename), bytecode.line_at(code, offset), getattr(code, "co_qualname", code.co_name)
