"""The threads of each process: from its board and from what it told of their start and end."""

from __future__ import annotations

from mptrace.model.building.workshop import Workshop
from mptrace.model.event import Event
from mptrace.model.process import Process, ThreadRole
from mptrace.wire import layout
from mptrace.wire import resource as family_of
from mptrace.wire.events import observations, processes, threads

_TELLING = (threads.STARTED, threads.ENDED, threads.DIED, processes.RUNNING, processes.RETURNED)
_ROLES = {role.value: role for role in ThreadRole}


def build_threads(shop: Workshop) -> None:
    """Make the threads of all processes, the main one first."""
    for process in shop.run.processes:
        if process.traced and shop.lives[process].file is not None:
            shop.thread(process, process.pid)
        for event in shop.told(process, *_TELLING):
            _take_event(shop, process, event)
        _take_board(shop, process)
    for record in shop.observed(observations.THREAD, observations.FRAME):
        if record.kind is observations.THREAD:
            seen = shop.process_at(int(record.fields["pid"]), record.at_ns)
            if seen is not None:
                shop.thread(seen, int(record.fields["thread"]), outside=True)
        else:
            _take_name(
                shop, int(record.fields["pid"]), int(record.fields["thread"]), str(record.fields["thread_name"]), record.at_ns
            )


def _take_name(shop: Workshop, pid: int, tid: int, name: str, at_ns: int) -> None:
    process = shop.process_at(pid, at_ns)
    if process is not None:
        thread = shop.thread_of_stack(process, tid, name)
        if thread is not None:
            thread.name, thread.runs_python = thread.name or name, True


def _take_event(shop: Workshop, process: Process, event: Event) -> None:
    if event.kind is threads.STARTED:
        tid = event.number("thread") or event.tid
        thread = shop.thread(process, tid)
        thread.name = event.text("name") or thread.name
        thread.role = _ROLES.get(event.text("role"), thread.role)
        if event.number("serves"):
            thread.serves = shop.resource(family_of.OBJECT, event.number("serves") & _MASK, process)
        if event.number("ident"):
            shop.idents[process, event.number("ident") & _MASK] = thread
    elif event.kind in (threads.ENDED, threads.DIED):
        shop.thread(process, event.number("thread") or event.tid).ended = True
    else:
        shop.thread(process, event.tid)


def _take_board(shop: Workshop, process: Process) -> None:
    head = shop.head(process)
    for entry in head.entries if head else ():
        if not entry.tid:
            continue
        thread = shop.thread(process, entry.tid)
        thread.ended = thread.ended or entry.ended
        shop.idents[process, entry.ident] = thread
    if head is not None:
        _take_opener(shop, process, head.header[layout.H_TID])


def _take_opener(shop: Workshop, process: Process, tid: int) -> None:
    if tid:
        shop.thread(process, tid)


_MASK = 0xFFFFFFFFFFFFFFFF
