"""Questions whether there is something to receive that are answered with no: a loop of them eats a core.

Nothing is noted of a single one; after `WINDOW` in a row the time and CPU time of their thread say what they cost with all that lay between.
"""

from __future__ import annotations

from _thread import get_ident
from time import monotonic_ns, thread_time_ns

from ..wire.events import shared
from . import callsite, recorder, totals

WINDOW = 512

EACH_NS = 200_000
"""A thread that used more CPU than this for each did something else between them."""

_totals = totals.table()
_left = WINDOW
_since = (0, 0, 0)  # thread, time and its CPU time when the window began


def empty(*_call: object) -> None:
    """Count one (given, if it is a compiled wrapper that asks: the call); never raises."""
    global _left
    _left -= 1
    if _left <= 0:
        _left = WINDOW
        try:
            _close()
        except Exception:  # noqa: BLE001 - the guest's oath
            pass


def _close() -> None:
    global _since
    (thread, began, spent), now = _since, (get_ident(), monotonic_ns(), thread_time_ns())
    _since = now
    used = now[2] - spent
    if thread != now[0] or not 0 <= used < WINDOW * EACH_NS:
        return
    site = callsite.here()
    total = totals.find(_totals, site) if site else None
    if total is None:
        return
    total.took_ns += now[1] - began
    total.bytes += used  # of CPU time, here
    if total.add(WINDOW):
        recorder.log(shared.POLLS, total.count, total.took_ns, total.bytes, site)
