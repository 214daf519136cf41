"""Say on the board what this thread waits for; for calls that block anyway (hot probes write their slot themselves).

A wait inside a wait (a signal handler's, or ``connection.wait`` below ``Pool.map``) saves the outer one and puts it back.
"""

from __future__ import annotations

from _thread import get_ident
from time import monotonic_ns

from ..wire import layout
from ..wire.wait import TIMED
from . import callsite, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Saved: TypeAlias = "tuple[int, ...]"

SHORT_NS = 1_000_000
"""Waits that were shorter leave nothing in the ring."""


def begin(kind: int, family: int, key: int, timeout: float | None = None, detail: int = 0, depth: int = 1) -> Saved:
    """Enter a wait, as seen from the caller's caller; hand the result to `end`. ``timeout`` in seconds, None: for ever."""
    return _fill(layout.T_WAIT, kind, family, key, timeout, detail, depth + 1)


def intend(kind: int, family: int, key: int, timeout: float | None = None, detail: int = 0, depth: int = 1) -> Saved:
    """Enter a call that leads to waits (Pool.map, Event.wait); hand the result to `end`."""
    return _fill(layout.T_INTENT, kind, family, key, timeout, detail, depth + 1)


def _fill(part: int, kind: int, family: int, key: int, timeout: float | None, detail: int, depth: int) -> Saved:
    words = recorder.words
    slot = (recorder.threads.get(get_ident()) or recorder.new_thread()) + part
    saved = (slot, *words[slot : slot + 7])
    site, stack = callsite.here(depth + 1), callsite.stack(depth + 1)
    words[slot] = 0
    words[slot + layout.S_KEY], words[slot + layout.S_SINCE] = key, monotonic_ns()
    words[slot + layout.S_TIMEOUT] = 0 if timeout is None else min(max(int(timeout * 1e9), 0), 1 << 62)
    words[slot + layout.S_SITE], words[slot + layout.S_DETAIL], words[slot + layout.S_STACK] = site, detail, stack
    words[slot] = kind | family << 8 | (0 if timeout is None else TIMED << 16)
    return saved


def end(saved: Saved) -> None:
    """Leave the wait that `begin` or `intend` entered, in the same thread; a fork in between is no matter."""
    words, slot = recorder.words, saved[0]
    state, since = words[slot], words[slot + layout.S_SINCE]
    words[slot] = 0
    if (
        slot % layout.THREAD_WORDS == (layout.BOARD // 8 + layout.T_WAIT) % layout.THREAD_WORDS
        and monotonic_ns() - since > SHORT_NS
    ):
        recorder.ring(layout.R_WAITED, state & 0xFFFF, words[slot + layout.S_KEY], since, words[slot + layout.S_SITE])
    for word in range(1, 7):
        words[slot + word] = saved[word + 1]
    words[slot] = saved[1]
