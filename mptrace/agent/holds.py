"""Who holds which lock: one word a lock, with since when and where unless the lock is too hot for that.

Exact as long as it is cheap: taking a clock and the program's line costs most of a microsecond, so a lock that was taken
`HOT_TIMES` times within `HOT_NS` turns lean. From then on only the word with the holder is stored; ``since`` is 0, and the
site is that of an earlier time. At the process's next wait, but not before `waits.REST_NS` have passed, it is exact again.

A lock may legally be released by a thread or process that does not hold it (a lock used as a signal). The recording of
the process that took it would then show it as held for ever; so the releaser notes it in its own cell (`FOREIGN`).

Fork: numbers of cells stay valid in the child, which holds none of the locks (recorder.reopen).
Spawn: the child's unpickled lock gets a cell of its own, under the same key.
"""

from __future__ import annotations

from time import monotonic_ns

from ..wire import layout
from . import budget, callsite, order, recorder, waits

HOT_TIMES, HOT_NS = 32, 20_000_000 * budget.SLOWER

_live = recorder.live


class Cell(waits.Tired):
    """What we keep for a SemLock: its key, the word that says who holds it, and where it was last waited for.

    ``held`` is a word that nobody reads for semaphores, which have no holder, and when all cells are taken. ``era``: the words of
    `recorder.live` when a thread of this process took the lock, None once it was released; they change at a fork.
    """

    __slots__ = ("era", "number")

    def __init__(self, key: int, has_holder: bool) -> None:
        super().__init__(key)
        self.era: object = None
        self.number = recorder.new_lock(key) if has_holder else -1
        self.held = layout.HELD // 8 + self.number if self.number >= 0 else layout.H_UNREAD

    def __del__(self, free_lock=recorder.free_lock):  # type: ignore[no-untyped-def]  # bound now: globals may be gone by then
        try:
            free_lock(self.number)
        except Exception:  # noqa: BLE001 - the interpreter is being torn down
            pass


def note(cell: Cell) -> None:
    """Say since when and where the lock is held; called right after it was taken, unless ``cell.lean``; never raises."""
    try:
        if cell.number < 0:
            cell.lean = True
            return
        words, word, now = _live[0], layout.CELLS // 8 + cell.number * layout.CELL_WORDS, monotonic_ns()
        if cell.fixed:  # no line of the program takes it
            words[word + 1] = now
            return
        words[word + 1], words[word + 2] = now, callsite.here()
        order.noted(cell.number, cell.key)
        cell.count += 1
        if cell.count == 1:
            cell.window = now
        elif cell.count >= HOT_TIMES:
            _judge(cell, word, now)
    except Exception:  # noqa: BLE001 - the guest's oath
        cell.lean = True


def _judge(cell: Cell, word: int, now: int) -> None:
    cell.count = 0
    if now - cell.window < HOT_NS:
        cell.lean = True
        _live[0][word + 1] = 0
        waits.tired.append(cell)


def note_foreign(cell: Cell) -> None:
    """Say that this process is about to release the lock although, as far as we know, it does not hold it; never raises."""
    try:
        if cell.number >= 0:
            words, word = _live[0], layout.CELLS // 8 + cell.number * layout.CELL_WORDS
            words[word + 1], words[word + 2] = monotonic_ns(), layout.FOREIGN | callsite.here()
    except Exception:  # noqa: BLE001 - the guest's oath
        pass
