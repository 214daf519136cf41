"""Locks of `threading`, as they were read from the memory of a process: who waits for one, and who has it."""

from __future__ import annotations

from mptrace.collect.records import Record
from mptrace.collect.sources import is_program
from mptrace.model.building.unrecorded import wants_import_lock
from mptrace.model.building.workshop import Workshop
from mptrace.model.moment import Hold, Moment, Native, Wait
from mptrace.model.process import Process
from mptrace.model.site import Site
from mptrace.wire import resource as family_of
from mptrace.wire.event import unsigned
from mptrace.wire.wait import MUTEX_WAIT

FUTEX = (["202"], ["98"])
"""The number of the system call on x86-64 and on arm64."""


def take_wait(shop: Workshop, moment: Moment, process: Process, record: Record) -> None:
    """Take in a wait that no board told of; it counts if the thread stood still from before it was read until after.

    A service thread that has nothing to do waits for no one in particular.
    """
    thread = shop.thread(process, _int(record, "thread"), outside=True)
    look = moment.looks.get(thread)
    if look is None or look.still is not True or look.syscall.split()[:1] not in FUTEX:
        return
    if moment.wait_of(thread) is not None or thread.role.is_service or wants_import_lock(look):
        return
    lock = shop.resource(family_of.MUTEX, unsigned(_int(record, "key")), process, str(record.fields["lock"]) or "thread lock")
    lock.name = lock.name or str(record.fields["name"])
    site = next((site for site in look.stack if is_program(site.file)), None)
    since_ns = _int(record, "since") or process.started_ns
    moment.waits.append(Wait(thread, MUTEX_WAIT, lock, since_ns, None, site, look.stack, ref=f"o:{record.offset}"))


def take_holder(shop: Workshop, moment: Moment, process: Process, record: Record) -> None:
    """Take in who has a lock, unless it is a thread that only the parent has."""
    if not _int(record, "thread"):
        return
    thread = shop.thread(process, _int(record, "thread"))
    lock = shop.resource(family_of.MUTEX, unsigned(_int(record, "key")), process, "thread lock")
    file, line = str(record.fields["file"]), _int(record, "line")
    site = Site(file, line, str(record.fields["function"])) if file and line else None
    moment.holds.append(Hold(thread, lock, None, site, f"o:{record.offset}", str(record.fields["how"])))


def take_native(shop: Workshop, moment: Moment, process: Process, record: Record) -> None:
    """Take in where a thread blocks in native code."""
    library, function = str(record.fields["library"]), str(record.fields["function"])
    moment.native[shop.thread(process, _int(record, "thread"), outside=True)] = Native(library, function, _int(record, "owner"))


def take_spinning(shop: Workshop, moment: Moment, process: Process, record: Record) -> None:
    """Take in which thread polls in native code."""
    native = Native(str(record.fields["library"]), str(record.fields["function"]), 0)
    moment.spinning[shop.thread(process, _int(record, "thread"), outside=True)] = native


def _int(record: Record, name: str) -> int:
    value = record.fields[name]
    return value if isinstance(value, int) else 0
