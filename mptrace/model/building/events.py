"""The events of a Run: the records of all processes and of the observer, with their places looked up, by time."""

from __future__ import annotations

from mptrace.collect.recording import Record
from mptrace.model.building.sites import KINDS, Places
from mptrace.model.building.workshop import Workshop
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.wire import layout

_NAMING = {kind.number for kind in KINDS}


def build_places(shop: Workshop) -> None:
    """Learn the numbers of each process; parents come before their forked children, since they opened their file earlier."""
    for process in sorted(shop.lives, key=lambda process: process.started_ns):
        life = shop.lives[process]
        places = shop.places[process] = Places(_places_of_parent(shop, process), life.file.opened_ns if life.file else 0)
        for record in life.file.log.records if life.file else ():
            if record.kind.number in _NAMING:
                places.learn(record)


def _places_of_parent(shop: Workshop, process: Process) -> Places | None:
    head = shop.head(process)
    if head is None or not head.flags & layout.FORKED:
        return None
    parent = shop.by_file.get((head.header[layout.H_PPID], head.header[layout.H_PARENT_OPENED]))
    if parent is None:  # its parent may have ended before it looked: then getppid() is somebody else
        opened_ns = head.header[layout.H_PARENT_OPENED]
        parent = next((known for (_, opened), known in shop.by_file.items() if opened == opened_ns), None)
    if parent is process:
        return None
    process.forked_from = parent
    return shop.places.get(parent) if parent else None


def build_events(shop: Workshop) -> None:
    """Make the events, by time; a process's own also under ``shop.events_of``."""
    for process, life in shop.lives.items():
        records = life.file.log.records if life.file else ()
        events = [
            _event(process.id, process, shop.places[process], record) for record in records if record.kind.number not in _NAMING
        ]
        shop.events_of[process] = events
        shop.run.events += events
    shop.run.events += [_event("o", None, _NOWHERE, record) for record in shop.observed()]
    shop.run.events.sort(key=lambda event: event.at_ns)


_NOWHERE = Places()


def _event(where: str, process: Process | None, places: Places, record: Record) -> Event:
    fields = record.fields
    return Event(
        f"{where}:{record.offset}",
        record.kind,
        record.at_ns,
        process,
        record.tid,
        fields,
        places.site(fields["site"]) if "site" in fields else None,
        places.stack(fields["stack"]) if "stack" in fields else (),
    )
