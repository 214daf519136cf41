"""In which order threads take locks: each order is told once, so that two that contradict each other are seen without a hang.

Costs a fifth of a microsecond where a lock is noted at all (`holds.note`; not where it is too hot for that). A thread's stack is
cleaned when it is looked at: what its held word no longer says is popped. Fork: the child's words say that it holds nothing, and
it tells its orders anew.
"""

from __future__ import annotations

from _thread import get_ident

from ..wire import layout
from ..wire.events import resources
from . import callsite, recorder

LIMIT = 300
"""Most orders that a process tells."""

THREADS = 500

_HELD, _KEY = layout.HELD // 8, layout.CELLS // 8
_live = recorder.live
_stacks: dict[int, list[tuple[int, int]]] = {}
_told: set[tuple[int, ...]] = set()
_era: object = None


def noted(number: int, key: int) -> None:
    """A thread has taken the lock of cell ``number``; its word says so already. May raise."""
    ident = get_ident()
    stack = _stacks.get(ident)
    if stack is None:
        if len(_stacks) >= THREADS:
            _stacks.clear()
        _stacks[ident] = [(number, key)]
        return
    words = _live[0]
    while stack and (words[_HELD + stack[-1][0]] != ident or stack[-1][0] == number):
        stack.pop()
    if stack:
        _tell(words, ident, stack, key)
    stack.append((number, key))


def _tell(words: memoryview, ident: int, stack: list[tuple[int, int]], key: int) -> None:
    global _era
    if _era is not _live[2]:
        _era = _live[2]
        _told.clear()
    held = [
        outer
        for number, outer in stack
        if words[_HELD + number] == ident and words[_KEY + number * layout.CELL_WORDS] == outer & _MASK and outer != key
    ]
    order = (*held, key, ident)
    if held and order not in _told and len(_told) < LIMIT:
        _told.add(order)
        recorder.log(resources.LOCK_ORDER, " ".join(str(outer & _MASK) for outer in held), key, callsite.here())


_MASK = 0xFFFFFFFFFFFFFFFF
