"""The events of a Run: what all processes and the observer tell, and the places that its numbers mean."""

from __future__ import annotations

from mptrace.model.building.sites import Places
from mptrace.model.building.teller import Teller
from mptrace.model.building.workshop import Workshop
from mptrace.model.events import Events
from mptrace.model.process import Process
from mptrace.wire import layout


def build_places(shop: Workshop) -> None:
    """Learn the numbers of each process; parents come before their forked children, since they opened their file earlier."""
    for process in sorted(shop.lives, key=lambda process: process.started_ns):
        life = shop.lives[process]
        opened_ns, log = (life.file.opened_ns, life.file.log) if life.file else (0, None)
        shop.places[process] = Places(_places_of_parent(shop, process), opened_ns, log)


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
    """Let every process and the observer tell their events when they are asked for."""
    for process, life in shop.lives.items():
        if life.file is not None:
            shop.tellers[process] = Teller(process.id, life.file.log, shop.places[process], process)
    observer = shop.recording.observer
    seen = [Teller("o", observer, Places())] if observer else []
    shop.run.events = Events([*shop.tellers.values(), *seen])
