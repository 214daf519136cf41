"""Totals of what is too frequent for a record each: told again whenever they have grown by a quarter, so a few dozen times in all."""

from __future__ import annotations

from . import inherit

MOST = 200
"""So many lines are told apart."""

_tables: list[dict[object, Total]] = []


class Total:
    """How often something happened, how many bytes it moved, how long it took (``timed`` of them); ``words``: what it is called."""

    __slots__ = ("bytes", "count", "next", "timed", "took_ns", "words")

    def __init__(self) -> None:
        self.count = self.bytes = self.took_ns = self.timed = self.next = 0
        self.words: tuple[str, ...] = ()

    def add(self, count: int = 1) -> bool:
        """Count; return whether it is to be told now."""
        self.count += count
        if self.count < self.next:
            return False
        self.next = self.count + (self.count >> 2) + 1
        return True


def table() -> dict[object, Total]:
    """Return an empty table of totals, which a forked child finds empty again."""
    made: dict[object, Total] = {}
    _tables.append(made)
    return made


def find(totals: dict[object, Total], key: object) -> Total | None:
    """Return the total of a key, a new one if there is room for it."""
    found = totals.get(key)
    if found is None and len(totals) < MOST:
        found = totals[key] = Total()
    return found


def _in_child() -> None:
    for totals in _tables:
        totals.clear()


inherit.in_child_hooks.append(_in_child)
