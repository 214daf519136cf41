"""Children whose parent is gone, or dead and not waited for, while they go on: their Process object names the parent."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mptrace.attach.insight import Insight
from mptrace.attach.job import Job
from mptrace.attach.sight import Orphan, Sight
from mptrace.observe import procfs

LASTS_S = 1.2
"""A child that is still there so long after its parent was seen to be gone has not noticed (the rule's second, and some more)."""


def know_orphans(sight: Sight, insights: dict[int, Insight]) -> None:
    """Note the children that have lost their parent, and are still there a moment later; and those of parents that are zombies."""
    sight.stepchildren.update({pid: parent for insight in insights.values() for pid, parent in _of_a_zombie(sight.job, insight)})
    lost = [orphan for insight in insights.values() if (orphan := _orphan(sight.job, insight)) is not None]
    if lost:
        end = sight.began_ns + int(LASTS_S * 1e9)
        time.sleep(max(end - time.monotonic_ns(), 0) / 1e9)
        sight.orphans.update({orphan.pid: orphan for orphan in lost if _is_running(orphan.pid)})


def _is_running(pid: int) -> bool:
    stat = procfs.stat(pid)
    return stat is not None and stat.state not in "ZX"


def _former_parent(insight: Insight) -> int:
    """Return the pid of the parent by the Process object of the child, if that has another one by now; else 0."""
    process = insight.process
    current = insight.interpreter.module("multiprocessing.process").get("_current_process", 0)
    parent = insight.number(insight.attributes(current).get("_parent_pid", 0))
    if not parent or not process.name or process.stat.ppid == parent:
        return 0
    return insight.names.outer_pid(process, parent)


def _of_a_zombie(job: Job, insight: Insight) -> Iterator[tuple[int, int]]:
    """Yield child and parent, if that is dead and its own parent has not asked for its end."""
    parent = job.processes.get(_former_parent(insight))
    if parent is not None and parent.zombie and parent.stat.start <= insight.process.stat.start:
        yield insight.process.pid, parent.pid


def _orphan(job: Job, insight: Insight) -> Orphan | None:
    process, pid = insight.process, _former_parent(insight)
    if not pid:
        return None
    known = job.world.stats.get(pid)
    if known is not None and known.start <= process.stat.start:  # (a younger one has the number by chance)
        return None
    return Orphan(process.pid, pid)
