"""Is a set of waits worth a closer look at once? Cheap necessary signs of a deadlock; never a verdict.

Urgent is a circle of lock holders and joined processes, a wait for a lock whose holder is gone, and a job all of whose
processes wait. Everything else can still be a deadlock: it is looked at too, but not more often than our share of a core allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mptrace.observe.boards import BoardWait, RecorderFiles, held_locks
from mptrace.wire import layout
from mptrace.wire.rundir import parse_name
from mptrace.wire.wait import ACQUIRE, REAP

Node = tuple[int, int]
GONE = "a lock's holder is gone"
CIRCLE = "threads wait for each other"
ALL_WAIT = "every process waits"

DEAD_FILES = 500
"""So many files of ended processes are searched for the holder of a lock, the youngest first."""


def urgent_reason(waits: Iterable[BoardWait], files: RecorderFiles, living: Collection[int], service: Collection[int]) -> str:
    """Return why these untimed waits look like a deadlock; "" if they do not at first sight.

    ``service``: processes that do nothing of their own accord (resource tracker, forkserver), or are no Python.
    """
    waiting = {(wait.pid, wait.tid): wait for wait in waits}
    if {pid for pid, tid in waiting if pid == tid} >= set(living) - set(service):
        return ALL_WAIT
    holders = _holders({wait.key for wait in waiting.values() if wait.kind == ACQUIRE}, files, living)
    return next((reason for start in waiting if (reason := _follow(start, waiting, holders, living))), "")


def _holders(keys: set[int], files: RecorderFiles, living: Collection[int]) -> dict[int, Node]:
    """Return lock -> who holds it, living processes before dead ones."""
    found: dict[int, Node] = {}
    if not keys:
        return found
    alive = [name for pid, name in files.newest.items() if pid in living]
    dead = [name for pid, name in files.newest.items() if pid not in living][-DEAD_FILES:]
    for name in (*alive, *dead):
        data = files.read(name, layout.LOG)
        if len(data) < layout.LOG:
            continue
        pid = (parse_name(name) or (0,))[0]
        for key, tid in held_locks(data).items():
            if key in keys:
                found.setdefault(key, (pid, tid))
    return found


def _follow(start: Node, waiting: dict[Node, BoardWait], holders: dict[int, Node], living: Collection[int]) -> str:
    """Go from waiter to holder until the chain ends in somebody who runs, somebody who is gone, or where it came from."""
    visited: set[Node] = set()
    node: Node | None = start
    while node is not None and node in waiting:
        if node in visited:
            return CIRCLE
        visited.add(node)
        wait = waiting[node]
        node = _next(wait, holders)
        if wait.kind == ACQUIRE and node is not None and node[0] not in living:
            return GONE
    return ""


def _next(wait: BoardWait, holders: dict[int, Node]) -> Node | None:
    if wait.kind == ACQUIRE:
        return holders.get(wait.key)
    return (wait.key, wait.key) if wait.kind == REAP else None
