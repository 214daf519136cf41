"""What makes something too deep to be pickled: the step that repeats on the way down, such as ``.following``.

It walks as `offender` does, and runs no code of the program; it keeps its own stack, since Python's has just run out.
"""

from __future__ import annotations

from time import monotonic

from .offender import children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DEEP = 150
"""So many levels down, what repeats is seen."""

OBJECTS = 50_000
LONGEST = 8
"""Most steps that repeat together."""


def repeated(roots: list[tuple[str, object]], budget_s: float = 0.25) -> tuple[str, str]:
    """Return (way down to where it begins to repeat, three times the steps that repeat, and the steps); ("", "") if none do."""
    deadline = monotonic() + budget_s
    try:
        for name, root in roots:
            steps = _deepest(root, deadline)
            unit = _unit(steps)
            if unit:
                return f"{name}{_before(steps, unit)}{''.join(unit) * 3}...", "".join(unit)
    except Exception:
        pass
    return "", ""


def _deepest(root: object, deadline: float) -> list[str]:
    """Return the steps of the first way that leads `DEEP` levels down, [] if there is none."""
    seen = {id(root)}
    ways: list[Iterator[tuple[str, object]]] = [iter(children(root))]
    steps: list[str] = []
    while ways:
        step, child = next(ways[-1], ("", None))
        if not step:
            ways.pop()
            if steps:
                steps.pop()
        elif id(child) not in seen:
            seen.add(id(child))
            if len(seen) > OBJECTS or (len(seen) % 64 == 0 and monotonic() > deadline):
                return []
            steps.append(step)
            ways.append(iter(children(child)))
            if len(steps) >= DEEP:
                return steps
    return []


def _unit(steps: list[str]) -> list[str]:
    steps = steps[:-LONGEST]  # the last ones may lead aside, to a value of the node there
    for length in range(1, LONGEST + 1):
        unit = steps[-length:]
        if steps and unit * 3 == steps[-3 * length :]:
            return unit
    return []


def _before(steps: list[str], unit: list[str]) -> str:
    """Return the steps before those that repeat."""
    first = next((at for at in range(len(steps)) if steps[at : at + len(unit)] == unit), 0)  # a rotation of them may come first
    return "".join(steps[:first])
