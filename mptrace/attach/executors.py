"""Executors that have declared themselves broken: a worker died, and the executor terminated the others."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Unreadable
from mptrace.attach.pools import is_owner, worker_objects
from mptrace.attach.sight import Breakage, Sight


def know_executors(sight: Sight, insights: dict[int, Insight]) -> None:
    """Note the executors of which their process says that they are broken."""
    for insight in insights.values():
        for found in insight.walk.of("executor"):
            cause, key = insight.text(found.attributes.get("_broken", 0)), insight.object_key(found.address)
            if cause and key and is_owner(insight, found):
                ended = tuple(_ended(sight, insight, found))
                sight.breakages.append(Breakage(insight.process.pid, key, cause, _pending(insight, found), ended))


def _ended(sight: Sight, insight: Insight, found: Found) -> Iterator[tuple[int, int]]:
    """Yield (pid, status) of the workers that its Process objects know to have ended."""
    for process in worker_objects(insight, found):
        popen = insight.attributes(insight.attributes(process).get("_popen", 0))
        pid, status = insight.number(popen.get("pid", 0)), popen.get("returncode", 0)
        if pid > 0 and status and not insight.is_none(status):
            yield sight.names.outer_pid(insight.process, pid), insight.number(status)


def _pending(insight: Insight, found: Found) -> int:
    """Return how many calls it has not given an exception yet: it forgets them as it goes."""
    try:
        return len([*insight.objects.items(found.attributes.get("_pending_work_items", 0))])
    except Unreadable:
        return 0
