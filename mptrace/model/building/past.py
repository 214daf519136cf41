"""The last ordinary events of each process: long waits that ended, and tasks that began and ended."""

from __future__ import annotations

from mptrace.collect.recording import RingRecord
from mptrace.model.building.workshop import Workshop
from mptrace.model.process import Past, Process
from mptrace.model.resource import Resource
from mptrace.wire import layout
from mptrace.wire import resource as family_of


def build_past(shop: Workshop) -> None:
    """Fill in `Process.past` from the rings."""
    for process in shop.run.processes:
        head = shop.head(process)
        found = (_past(shop, process, record) for record in (head.ring if head else ()))
        process.past = [past for past in found if past is not None]


def _past(shop: Workshop, process: Process, record: RingRecord) -> Past | None:
    a, b, c, d = record.numbers
    if record.kind == layout.R_WAITED:
        target = shop.target(process, a >> 8 & 0xFF, b, record.at_ns)
        resource = target if isinstance(target, Resource) else None
        return Past(record.tid, record.at_ns, a & 0xFF, resource, c, shop.places[process].site(d))
    if record.kind not in (layout.R_TASK_BEGUN, layout.R_TASK_ENDED):
        return None
    pool = shop.resource(family_of.OBJECT, a, process) if a else None
    if record.kind == layout.R_TASK_BEGUN:
        return Past(record.tid, record.at_ns, 0, pool, number=b, text=shop.places[process].text(c))
    return Past(record.tid, record.at_ns, 0, pool, d, number=b, returned=c == 1)
