"""Large messages, by the line that sent or received them: how many, how large, how long pickling took.

Small ones cost a comparison. The clock is read only from the first large one on: what comes once does not matter.
"""

from __future__ import annotations

import threading

from ..wire.events import shared
from . import brief, callsite, entry, guard, pools, recorder, tasks, totals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGE = 64 << 10
"""Bytes of a message that is worth a note."""

timing: list[bool] = []
"""Not empty: there was one, so the next ones are timed."""

_totals = totals.table()


def sent(what: Any, size: int, took_ns: int, name: str) -> None:
    """Note a message that was pickled; ``took_ns`` 0: not timed; ``name``: the probe that asks."""
    try:
        timing[:] = [True]
        site, key, words = callsite.here(), 0, None
        if not site:
            site, key, words = _on_behalf(what)
        _add(site, key, 0, size, took_ns, words or ("", brief.value(what)))
    except Exception:
        guard.trouble(name)


def received(size: int, took_ns: int, name: str) -> None:
    """Note a message that was rebuilt."""
    try:
        timing[:] = [True]
        site, key = callsite.here(), 0
        if not site:
            key = tasks.current.pool if tasks.current else _served()
        _add(site, key, 1, size, took_ns, ("", ""))
    except Exception:
        guard.trouble(name)


def _add(site: int, key: int, direction: int, size: int, took_ns: int, words: tuple[str, str]) -> None:
    total = totals.find(_totals, (site, key, direction))
    if total is None:
        return
    if not total.count:
        total.words = (words[0] or entry.point(3), words[1])
    total.bytes += size
    if took_ns:
        total.took_ns += took_ns
        total.timed += 1
    if total.add():
        call, root = total.words
        recorder.log(shared.HEAVY, call, root, total.count, total.bytes, key, site, direction, total.took_ns, total.timed)


def _served() -> int:
    """Return the key of the queue, pool or executor that this thread works for."""
    role = getattr(threading.current_thread(), pools.ROLE, None)
    return role[1] if role else 0


def _on_behalf(what: Any) -> tuple[int, int, tuple[str, str]]:
    """Return (line of the program, key, call and object) of what a service thread or a worker sends."""
    worker, key = tasks.current, _served()
    if worker is not None and not key:
        return worker.defined_at(), worker.pool, (f"result of {worker.function}", "")
    if type(what) is tuple and len(what) == 5:
        job = pools.job_of(key, what[0])
    elif hasattr(what, "work_id"):
        key |= pools.EXECUTOR_BIT
        job = pools.job_of(key, what.work_id)
    else:
        job = None
    if job is None:
        return 0, key, ("", brief.value(what))
    return job.site, key, (job.call, job.function)
