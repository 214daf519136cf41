"""Pools whose workers end as fast as they are replaced: watched for some seconds, since one look shows only young workers."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from mptrace.attach.channels import peek
from mptrace.attach.children import target_name
from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Unreadable
from mptrace.attach.pools import is_owner, thread_of, worker_objects
from mptrace.attach.sight import Respawns, Sight
from mptrace.observe import procfs

UNKNOWN_STATUS = -1000
WATCH_S, QUIET_S, STEP_S = 8.0, 2.5, 0.01
"""Longest time that a pool is watched, the longest without a death, and the time between two looks."""

ROUNDS = 2
"""So many failed workers for each place are enough (the number of the rule worker-respawn-loop)."""

YOUNG_S = 3.0
"""A replaced worker that is older than this says that the pool has come to rest."""

NOBODY, STORM_LIMIT = -1, 200
"""Who a worker was that nobody remembers, and most of them that are told of."""

_HEAD = 64
"""Bytes at the front of a message in which tasks differ: job and index come first."""


@dataclass(slots=True, eq=False)
class _Watch:
    """``names``: pid -> name of every worker that was seen; ``codes``: pid -> exit code, as soon as it is known."""

    keeps: bool
    """Are workers kept for ever? Then every end is a failure, also one whose status was gone before we could see it."""
    names: dict[int, str] = field(default_factory=dict)
    codes: dict[int, int] = field(default_factory=dict)

    @property
    def ended(self) -> tuple[tuple[int, str, int], ...]:
        """Return (pid, name, code) of those that ended."""
        return tuple((pid, self.names.get(pid, ""), code) for pid, code in self.codes.items())

    @property
    def failed(self) -> int:
        """How many ended that should not have."""
        return sum(code > 0 or (self.keeps and code == UNKNOWN_STATUS) for code in self.codes.values())


def watch_pools(sight: Sight, insights: dict[int, Insight]) -> None:
    """Watch the pools that have just replaced a worker, and note those of which one worker after the other fails."""
    for insight in insights.values():
        for found in insight.walk.of("pool"):
            if is_owner(insight, found) and _is_restless(insight, found):
                _watch(sight, insight, found)
    _note_storms(sight, insights)


def _note_storms(sight: Sight, insights: dict[int, Insight]) -> None:
    """A storm that has blown over since every task is gone: a worker that dies takes one part of a job along, and each is missing."""
    watched = {(one.pid, one.key) for one in sight.respawns}
    for insight in insights.values():
        for found in insight.walk.of("pool"):
            pid, key = insight.process.pid, insight.object_key(found.address)
            left = sum(max(lost.left, 1) for lost in sight.lost_tasks if (lost.pid, lost.key) == (pid, key))
            places = max(insight.number(found.attributes.get("_processes", 0)), 1)
            if left >= ROUNDS * places and (pid, key) not in watched:
                ended = ((NOBODY, "", UNKNOWN_STATUS),) * min(left, STORM_LIMIT)
                sight.respawns.append(Respawns(pid, key, places, ended, untaken=False, initializer=""))


def _is_restless(insight: Insight, found: Found) -> bool:
    """Is there a worker that has ended, or one that has just come in the place of another?"""
    handler = thread_of(insight, found.attributes.get("_worker_handler", 0))
    began = procfs.stat(insight.process.pid, handler.tid) if handler else None
    if began is None:
        return False
    now = time.clock_gettime(time.CLOCK_BOOTTIME) * procfs.CLOCK_TICKS
    stats = [procfs.stat(pid) for pid in _workers(insight, found)]
    return any(
        stat is None or stat.state in "ZX" or (stat.start > began.start and now - stat.start < YOUNG_S * procfs.CLOCK_TICKS)
        for stat in stats
    )


def _watch(sight: Sight, insight: Insight, found: Found) -> None:
    places = max(insight.number(found.attributes.get("_processes", 0)), 1)
    watch, first = _Watch(insight.is_none(found.attributes.get("_maxtasksperchild", 0))), _first_task(insight, found)
    end = quiet = time.monotonic()
    while watch.failed < ROUNDS * places and time.monotonic() < end + WATCH_S and time.monotonic() < quiet + QUIET_S:
        before = len(watch.codes)
        _look(insight, found, watch)
        if len(watch.codes) > before:
            quiet = time.monotonic()
        time.sleep(STEP_S)
    if watch.failed:
        untaken = bool(first) and _first_task(insight, found) == first
        key, initializer = insight.object_key(found.address), target_name(insight, found.attributes.get("_initializer", 0))
        none = insight.is_none(found.attributes.get("_initializer", 0))
        sight.respawns.append(Respawns(insight.process.pid, key, places, watch.ended, untaken, "" if none else initializer))


def _look(insight: Insight, found: Found, watch: _Watch) -> None:
    workers = _workers(insight, found)
    for pid, (name, code) in workers.items():
        watch.names[pid] = name or watch.names.get(pid, "")
        if code is not None:
            watch.codes.setdefault(pid, code)
    for pid in watch.names.keys() - workers.keys():
        if not os.path.exists(f"/proc/{pid}"):
            watch.codes.setdefault(pid, UNKNOWN_STATUS)


def _workers(insight: Insight, found: Found) -> dict[int, tuple[str, int | None]]:
    """Return the pool's workers as its list says right now: pid -> name, and exit code if it has ended."""
    insight.objects.memory.forget()
    workers: dict[int, tuple[str, int | None]] = {}
    for process in worker_objects(insight, found):
        try:
            worker = insight.objects.attributes(process)
            popen = insight.objects.attributes(worker["_popen"])
            pid = insight.names.outer_pid(insight.process, insight.number(popen["pid"]))
            workers[pid] = insight.text(worker["_name"]), _code(insight, pid, popen)
        except (Unreadable, KeyError, ValueError):
            continue  # it is being made or forgotten right now
    return workers


def _code(insight: Insight, pid: int, popen: dict[str, int]) -> int | None:
    """Return how a worker ended: as its Popen was told, as the zombie says, or as the forkserver wrote into the sentinel."""
    told = popen.get("returncode", 0)
    if told and insight.objects.class_of(told) == ("builtins", "int"):
        return insight.number(told)
    stat = procfs.stat(pid)
    if stat is not None and stat.state in "ZX" and stat.ppid == insight.process.pid:
        return -(stat.exit_code & 127) if stat.exit_code & 127 else stat.exit_code >> 8
    data = peek(insight.process.pid, insight.number(popen.get("sentinel", 0), -1)) if stat is None else b""
    return int.from_bytes(data, "little", signed=True) if len(data) == 8 else None


def _first_task(insight: Insight, found: Found) -> bytes:
    """Return the front of the first message in the pool's queue of tasks; b"" if there is none."""
    insight.objects.memory.forget()
    queue = insight.attributes(found.attributes.get("_inqueue", 0))
    return peek(insight.process.pid, insight.descriptor(queue.get("_reader", 0)), _HEAD)
