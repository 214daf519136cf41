"""In which order threads take locks: each order is told once, so that two that contradict each other are seen without a hang.

Costs a fifth of a microsecond where a lock is noted at all (`holds.note`; not where it is too hot for that). Of hot locks those
that the thread has are found by their words; and the first, second, fourth, eighth ... time that a lock is noted, each hot lock
is noted once more when it is taken next. So a new pair is seen, unless both are hot by then. A thread's stack is cleaned when it is looked at: what its held word no longer says
is popped. Fork: the child's words say that it holds nothing, and it tells its orders anew.
"""

from __future__ import annotations

from _thread import get_ident

from ..wire import layout
from ..wire.events import resources
from . import callsite, recorder, waits

LIMIT = 300
"""Most orders that a process tells."""

THREADS = 500

ONCE = 31
"""`holds.HOT_TIMES` less one: the next note finds the lock too hot again."""

_HELD, _KEY = layout.HELD // 8, layout.CELLS // 8
_live = recorder.live
_stacks: dict[int, list[tuple[int, int]]] = {}
_told: set[tuple[int, ...]] = set()
_era: object = None
_times: dict[int, int] = {}  # number of a cell -> how often it was noted while there were hot locks


def noted(number: int, key: int) -> None:
    """A thread has taken the lock of cell ``number``; its word says so already. May raise."""
    ident = get_ident()
    hot = _hot(ident, number) if waits.tired else ()
    stack = _stacks.get(ident)
    if stack is None:
        if len(_stacks) >= THREADS:
            _stacks.clear()
        stack = _stacks[ident] = []
    words = _live[0]
    while stack and (words[_HELD + stack[-1][0]] != ident or stack[-1][0] == number):
        stack.pop()
    if stack or hot:
        outer = [one for one in hot if one not in stack and one[0] != number]
        _tell(words, ident, outer + stack, key)
    stack.append((number, key))


def _hot(ident: int, number: int) -> list[tuple[int, int]]:
    """Return the hot locks that a thread has, and let each hot lock be noted when it is taken next, ever more rarely."""
    words, locks = _live[0], [place for place in waits.tired if getattr(place, "number", -1) >= 0]
    held = [(lock.number, lock.key) for lock in locks if words[lock.held] == ident]  # type: ignore[attr-defined]
    times = _times[number] = _times.get(number, 0) + 1
    for lock in locks if not times & (times - 1) else ():
        if words[lock.held] != ident:
            try:
                waits.tired.remove(lock)
            except ValueError:  # another thread was faster
                continue
            lock.count, lock.lean = ONCE, False
    return held


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
