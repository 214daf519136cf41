"""Children whose parent is gone while they go on: their Process object names the parent, and nobody has that number any more."""

from __future__ import annotations

import time

from mptrace.attach.insight import Insight
from mptrace.attach.job import Job
from mptrace.attach.sight import Orphan, Sight
from mptrace.observe import procfs

LASTS_S = 1.2
"""A child that is still there so long after its parent was seen to be gone has not noticed (the rule's second, and some more)."""


def know_orphans(sight: Sight, insights: dict[int, Insight]) -> None:
    """Note the children that have lost their parent, and are still there a moment later."""
    lost = [orphan for insight in insights.values() if (orphan := _orphan(sight.job, insight)) is not None]
    if lost:
        end = sight.began_ns + int(LASTS_S * 1e9)
        time.sleep(max(end - time.monotonic_ns(), 0) / 1e9)
        sight.orphans.update({orphan.pid: orphan for orphan in lost if _is_running(orphan.pid)})


def _is_running(pid: int) -> bool:
    stat = procfs.stat(pid)
    return stat is not None and stat.state not in "ZX"


def _orphan(job: Job, insight: Insight) -> Orphan | None:
    process = insight.process
    current = insight.interpreter.module("multiprocessing.process").get("_current_process", 0)
    parent = insight.number(insight.attributes(current).get("_parent_pid", 0))
    if not parent or not process.name or process.stat.ppid == parent:
        return None
    pid = insight.names.outer_pid(process, parent)
    known = job.world.stats.get(pid)
    if known is not None and known.start <= process.stat.start:  # (a younger one has the number by chance)
        return None
    return Orphan(process.pid, pid)
