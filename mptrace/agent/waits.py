"""Say on the board what this thread waits for; the hottest paths (probes/connection.py) write their slot themselves.

A wait inside a wait (a signal handler's, or ``connection.wait`` below a join) saves the outer one and puts it back. Of
intents the outermost stands: it is the call that the program made. Nothing here raises, also not while the interpreter ends.

``since`` is always exact. Site and stack cost some microseconds: with a `Place` they are looked up when the wait before at
that place began over `FRESH_NS` ago; otherwise those are used again, and the slot says STALE_SITE.
"""

from __future__ import annotations

from _thread import get_ident
from time import monotonic_ns

from ..wire import layout
from ..wire.wait import STALE_SITE, TIMED
from . import callsite, kept, native, recorder
from .budget import SLOWER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Saved: TypeAlias = "tuple[int, list[int] | None] | None"

SHORT_NS = 1_000_000
"""Waits that were shorter leave nothing in the ring."""


FRESH_NS = 200_000 * SLOWER
"""A site that was looked up so recently at the same place is used again."""

REST_NS = 100_000_000 * SLOWER
"""Hot places get their exact notes back so long after they lost them, at a wait."""

_WAIT_WORD = (layout.BOARD // 8 + layout.T_WAIT) % layout.THREAD_WORDS
_live, _threads, _entry_of, _NOBODY = recorder.live, recorder.threads, recorder.entries.get, recorder.NOBODY


class Place(native.Place):
    """One operation on one resource, with where in the program it last had to wait (``since``: when that began, in ns).

    ``fixed``: only the library itself uses it, from always the same place, so that is looked up once.
    """

    __slots__ = ()

    def __init__(self, key: int) -> None:
        self.key, self.since, self.site, self.stack, self.fixed = key & _MASK, 0, 0, 0, False

    def fresh(self, now: int) -> int:
        """Note a wait that begins now; return STALE_SITE if the site is of an earlier one, else 0."""
        before, self.since = self.since, now
        if now - before < FRESH_NS or (self.fixed and self.stack):
            return STALE_SITE
        self.site, self.stack = callsite.here_and_stack(3)
        if kept.ways:
            kept.look(self)
        return 0


class Once(Place):
    """The place of one call, whose waits are looked up once."""

    __slots__ = ()

    def fresh(self, now: int) -> int:
        """Look it up the first time."""
        return 0 if self.since else super().fresh(now)


def begin(kind: int, family: int, key: int, timeout: float | None = None, detail: int = 0, place: Place | None = None) -> Saved:
    """Enter a wait; hand the result to `end`. ``timeout`` in seconds, None: for ever."""
    try:
        slot = (_threads.get(get_ident()) or recorder.new_thread()) + layout.T_WAIT
        words = _live[0]
        _entry_of(slot, _NOBODY).place = None
        outer = words[slot : slot + 7].tolist() if words[slot] else None
        _fill(slot, kind | family << 8, key, timeout, detail, place or Place(key))
    except Exception:  # noqa: BLE001 - the guest's oath
        return None
    return slot, outer


def intend(kind: int, family: int, key: int, timeout: float | None = None, detail: int = 0, place: Place | None = None) -> Saved:
    """Enter a call that leads to waits (Pool.map, Event.wait), unless one is entered already; hand the result to `end`."""
    try:
        slot = (_threads.get(get_ident()) or recorder.new_thread()) + layout.T_INTENT
        if _live[0][slot]:
            return None
        _fill(slot, kind | family << 8, key, timeout, detail, place or Place(key))
    except Exception:  # noqa: BLE001 - the guest's oath
        return None
    return slot, None


def enter(
    kind: int, family: int, key: int, timeout: float | None = None, detail: int = 0, place: Place | None = None
) -> tuple[Saved, Saved]:
    """Enter a call that waits for something no other probe sees (a future's condition): wait and intent; end with `leave`."""
    place = place or Once(key)
    return begin(kind, family, key, timeout, detail, place), intend(kind, family, key, timeout, detail, place)


def leave(saved: tuple[Saved, Saved]) -> None:
    """Leave what `enter` entered."""
    end(saved[0])
    end(saved[1])


def _fill(slot: int, state: int, key: int, timeout: float | None, detail: int, place: Place) -> None:
    now = monotonic_ns()
    state |= place.fresh(now) << 16
    limit = 0
    if timeout is not None:
        state |= TIMED << 16
        limit = min(max(int(timeout * 1e9), 0), 1 << 62)
    if tired:
        _rest(now)
    words = _live[0]
    words[slot] = 0
    recorder.SLOT(_live[1], slot * 8 + 8, key & _MASK, now, limit, place.site, detail & _MASK, place.stack)
    words[slot] = state  # last: nothing that a signal handler could interrupt comes behind it


_MASK = 0xFFFFFFFFFFFFFFFF


def end(saved: Saved) -> None:
    """Leave the wait that `begin` or `intend` entered, in the same thread; a fork in between is no matter."""
    if saved is None:
        return
    try:
        words, (slot, outer) = _live[0], saved
        state, since = words[slot], words[slot + layout.S_SINCE]
        words[slot] = 0
        is_wait = slot % layout.THREAD_WORDS == _WAIT_WORD
        if is_wait and monotonic_ns() - since > SHORT_NS:
            recorder.ring(layout.R_WAITED, state & 0xFFFF, words[slot + layout.S_KEY], since, words[slot + layout.S_SITE])
        if outer:
            recorder.SLOT(_live[1], slot * 8 + 8, *outer[1:])
            words[slot] = outer[0]
        elif is_wait:
            entry = _entry_of(slot, _NOBODY)
            entry.place, entry.detail = recorder.NOTHING, -1
    except Exception:  # noqa: BLE001 - the guest's oath
        pass


tired: list[Tired] = []
"""Places that are used too often to note each time, until the process comes to a rest."""

_rested = 0


class Tired(Place):
    """A place that can be too hot for notes; ``lean``: it is."""

    __slots__ = ("count", "window")

    def __init__(self, key: int) -> None:
        super().__init__(key)
        self.count, self.lean, self.window = 0, False, 0


def _rest(now: int) -> None:
    global _rested
    if now - _rested < REST_NS:
        return
    _rested = now
    while tired:
        place = tired.pop()
        place.count, place.lean = 0, False
