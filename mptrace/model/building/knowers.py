"""Which processes can use which resource: those that made or unpickled it, and those forked from one that had it by then."""

from __future__ import annotations

from collections import defaultdict

from mptrace.model.building.workshop import Workshop
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.wire import resource as family_of
from mptrace.wire.event import unsigned
from mptrace.wire.events import resources, tasks

_TEACHERS = (resources.MADE, resources.KNOWN, resources.PAIR, tasks.POOL)
KEEPS_PARTS = frozenset(("Pool", "ThreadPool", "ProcessPoolExecutor"))
"""A worker has the queues of its pool, but not the pool."""


def build_knowers(shop: Workshop) -> None:
    """Fill in `Resource.knowers`."""
    since = _learned(shop)
    children = _forked_children(shop)
    for resource, times in since.items():
        for process, at_ns in list(times.items()):
            _teach(resource, process, at_ns, children)
    for resource in shop.run.resources:
        _spread(resource)


def _learned(shop: Workshop) -> dict[Resource, dict[Process, int]]:
    """Return when each process first made or received each resource."""
    since: dict[Resource, dict[Process, int]] = defaultdict(dict)
    for event in shop.run.of(*_TEACHERS):
        process = event.process
        if process is None:
            continue
        keys = [event.number(name) for name in ("key", "other", "pool") if name in event.fields]
        family = event.number("family") or (family_of.OBJECT if event.kind is tasks.POOL else family_of.PIPE)
        for key in keys:
            since[shop.resource(family, unsigned(key), process)].setdefault(process, event.at_ns)
    return since


def _forked_children(shop: Workshop) -> dict[Process, list[Process]]:
    children: dict[Process, list[Process]] = defaultdict(list)
    for process in shop.run.processes:
        if process.forked_from is not None:
            children[process.forked_from].append(process)
    return children


def _teach(resource: Resource, process: Process, at_ns: int, children: dict[Process, list[Process]]) -> None:
    """The process knows it from then on, and so does every child forked later."""
    waiting = [(process, at_ns)]
    while waiting:
        knower, since_ns = waiting.pop()
        resource.knowers.add(knower)
        later = [child for child in children[knower] if child.started_ns >= since_ns and child not in resource.knowers]
        waiting += [(child, child.started_ns) for child in later]


def _spread(resource: Resource) -> None:
    """Who has an object has its parts; who has a part has the object, unless that is a pool."""
    for part in resource.parts.values():
        part.knowers |= resource.knowers
        _spread(part)
        if resource.kind not in KEEPS_PARTS:
            resource.knowers |= part.knowers
    for part in resource.parts.values():
        part.knowers |= resource.knowers
