"""Queues, pools, conditions, ... as they were found in memory: what they are, what they are made of, what the program calls them."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.sight import Sight, Thing
from mptrace.wire import resource

_SEMAPHORES = {
    "queue": ("_rlock", "_wlock", "_sem", "_unfinished_tasks"),
    "condition": ("_lock", "_sleeping_count", "_woken_count", "_wait_semaphore"),
    "event": ("_flag",),
}
_OBJECTS = {
    "queue": ("_cond",),
    "event": ("_cond",),
    "barrier": ("_cond",),
    "pool": ("_inqueue", "_outqueue", "_change_notifier"),
    "executor": ("_call_queue", "_result_queue"),
}
_PIPES = {"queue": ("_reader", "_writer")}
_NUMBERS = {"queue": "_maxsize", "barrier": "_parties", "pool": "_processes", "executor": "_max_workers"}


def note_composites(sight: Sight, insights: dict[int, Insight]) -> None:
    """Note the composite objects of every process, with their parts, and the names that the program gives to what it shares."""
    for insight in insights.values():
        for found in insight.walk.found.values():
            key = insight.object_key(found.address)
            if key:
                sight.things.append(_thing(insight, found, key))
                sight.things.extend(_parts(insight, found, key))
    for insight in insights.values():  # the outermost process first: what it calls a thing is what the reader knows
        sight.things.extend(_names(sight, insight))


def _thing(insight: Insight, found: Found, key: int) -> Thing:
    number = insight.number(found.attributes.get(_NUMBERS.get(found.what, ""), 0))
    bound = 0 if found.what == "queue" and number == _SEM_VALUE_MAX else max(number, 0)
    return Thing(insight.process.pid, resource.OBJECT, key, found.name, bound)


_SEM_VALUE_MAX = 2**31 - 1


def _parts(insight: Insight, found: Found, key: int) -> Iterator[Thing]:
    pid, attributes = insight.process.pid, found.attributes
    for role in _SEMAPHORES.get(found.what, ()):
        part = insight.semaphore_key(attributes.get(role, 0))
        if part:
            yield Thing(pid, resource.SEM, part, part_of=(resource.OBJECT, key, role))
    for role in _PIPES.get(found.what, ()):
        part = insight.pipe_key(attributes.get(role, 0))
        if part:
            yield Thing(pid, resource.PIPE, part, part_of=(resource.OBJECT, key, role))
    for role in _OBJECTS.get(found.what, ()):
        part = insight.object_key(attributes.get(role, 0))
        if part:
            yield Thing(pid, resource.OBJECT, part, part_of=(resource.OBJECT, key, role))


def _names(sight: Sight, insight: Insight) -> Iterator[Thing]:
    for address, name in insight.walk.names.items():
        found = insight.found(address)
        if found is None:
            continue
        family, key = _identity(insight, found)
        if key and (family, key) not in sight.named:
            sight.named.add((family, key))
            yield Thing(insight.process.pid, family, key, name=name)


def _identity(insight: Insight, found: Found) -> tuple[int, int]:
    if found.what == "semlock":
        return resource.SEM, insight.semaphore_key(found.address)
    if found.what == "connection":
        return resource.PIPE, insight.pipe_key(found.address)
    return resource.OBJECT, insight.object_key(found.address)
