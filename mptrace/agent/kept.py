"""Connections that a fork left in two processes: each tells where it first uses one of them afterwards, each way.

Asked when a wait's place is looked up anew, which a fork makes due on both sides; otherwise it costs nothing. Connections that the
library uses for itself (queues, pools) are not told of: it guards them, or each side uses its own end. Fork: this is about it.
"""

from __future__ import annotations

from _thread import get_ident

from ..wire import layout
from ..wire.events import resources
from . import budget, callsite, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import native

MANAGERS = "multiprocessing.managers"

ways: dict[int, tuple[int, int]] = {}
"""id() of a connection's place -> (its key, RECV or SEND), of those that were not used since the last fork."""

_budget = budget.Budget(60, 1)


def forked(way: native.Place, kind: int) -> None:
    """Have the next use of this way of a connection told: this process has forked, or was forked."""
    ways[id(way)] = way.key, kind
    way.since = 0


def look(place: native.Place) -> None:
    """A wait at ``place`` begins, whose site was just looked up."""
    key, kind = ways.pop(id(place), (0, 0))
    if not key:
        return
    asker = callsite.asker()
    if asker in ("", MANAGERS) and place.site and _budget.spend():
        recorder.log(resources.USED_AFTER_FORK, key, kind, int(asker == MANAGERS), int(_holds()), place.site, place.stack)


def _holds() -> bool:
    """Does this thread hold a lock of multiprocessing's?"""
    begin = layout.HELD // 8
    return get_ident() in recorder.live[0][begin : begin + layout.LOCKS].tolist()
