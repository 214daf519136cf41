"""Waits that no board tells of, by system calls and stacks: for a lock that a fork copied, and for a module's import lock.

A forked child without the threads of its parent, whose only thread blocks in a private futex without a timeout, can be woken by
nobody: a private futex is known to the threads of its process alone. A thread that blocks inside of importlib waits for the one
other thread of its process that is importing.
"""

from __future__ import annotations

from mptrace.model.building.workshop import Workshop
from mptrace.model.moment import Hold, Look, Moment, Wait
from mptrace.model.process import Process, Thread, ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.site import Site
from mptrace.wire import resource as family_of
from mptrace.wire.events import processes
from mptrace.wire.wait import EXIT, MUTEX_WAIT

FUTEX = ("202", "98")
"""The number of the system call on x86-64 and on arm64."""

WAITS, PRIVATE, COMMAND = (0, 9), 0x80, 0x7F
IMPORT_LOCK = "import lock"
_IMPORTLIB = "importlib._bootstrap"
_LOCKING = ("_ModuleLock.acquire", "_ModuleLockManager.__enter__", "_lock_unlock_module", "acquire")
_IMPORTING = ("_find_and_load", "_find_and_load_unlocked", "_load_unlocked")


def add_unrecorded_waits(shop: Workshop, moment: Moment) -> None:
    """Add what the looks of a moment show and its boards do not."""
    if moment.final or shop.run.meta.attached:  # attach tells of the locks itself, by their memory
        return
    waiting = {wait.thread for wait in moment.waits}
    for process in moment.processes:
        looks = [look for look in moment.looks.values() if look.thread.process is process]
        blocked = [look for look in looks if look.thread not in waiting and look.still is True and _futex(look)]
        for look in blocked:
            if wants_import_lock(look):
                _add_import_lock(shop, moment, look, looks)
            elif _shuts_down(look):
                ref = f"{process.id}:futex {look.thread.tid}"
                moment.waits.append(Wait(look.thread, EXIT, None, _since(shop, look.thread), None, None, look.stack, ref=ref))
            elif len(looks) == 1 and _lacks_threads(shop, process) and not _waits_for_event(look):
                _add(shop, moment, look, "thread lock", _futex(look))


def _shuts_down(look: Look) -> bool:
    """Is it a main thread that has ended and waits for the others? From 3.13 on it does so in C."""
    first = look.stack[0]
    is_main = look.thread.role is ThreadRole.MAIN
    return is_main and first.file.endswith("/threading.py") and first.function.rpartition(".")[2] == "_shutdown"


def _futex(look: Look) -> int:
    """Return the address of the private futex that a thread waits for without a timeout; 0 if it does not."""
    words = look.syscall.split()
    if len(words) < 5 or words[0] not in FUTEX:
        return 0
    try:
        address, operation, _, timeout = (int(word, 16) for word in words[1:5])
    except ValueError:
        return 0
    is_wait = operation & COMMAND in WAITS and bool(operation & PRIVATE)
    return address if is_wait and not timeout and look.stack else 0


def _lacks_threads(shop: Workshop, process: Process) -> bool:
    """Was it forked from a process with other threads?"""
    return bool(shop.told(process, processes.FORK_THREADS))


def _waits_for_event(look: Look) -> bool:
    """Does it wait for an Event or Condition of `threading` that the program itself calls? A signal's handler may set that."""
    inner = [site.file.endswith("/threading.py") and site.function.rpartition(".")[2] in _WAITS for site in look.stack[:3]]
    return bool(inner) and inner[0] and (len(look.stack) < 2 or inner[1] or not _is_library(look.stack[1]))


_WAITS = ("wait", "wait_for")


def _is_library(site: Site) -> bool:
    return "/lib/python3" in site.file or site.file.startswith("<frozen")


def _add(shop: Workshop, moment: Moment, look: Look, kind: str, key: int) -> Wait:
    thread = look.thread
    lock = shop.resource(family_of.MUTEX, key, thread.process, kind)
    innermost = next((site for site in look.stack if not _is_library(site)), None)
    wait = Wait(
        thread, MUTEX_WAIT, lock, _since(shop, thread), None, innermost, look.stack, ref=f"{thread.process.id}:futex {thread.tid}"
    )
    moment.waits.append(wait)
    return wait


def _since(shop: Workshop, thread: Thread) -> int:
    """Return when it was last heard of: it waits since then, or somewhat later."""
    told = [event.at_ns for event in shop.told(thread.process) if event.tid == thread.tid]
    return max(told, default=thread.process.started_ns)


# -- import locks


def wants_import_lock(look: Look) -> bool:
    """Does a thread wait for the lock of a module that another thread is importing?"""
    if not look.stack:
        return False
    first = look.stack[0]
    return _IMPORTLIB in first.file and first.function.endswith(_LOCKING)


def _add_import_lock(shop: Workshop, moment: Moment, look: Look, looks: list[Look]) -> None:
    importers = [other for other in looks if other is not look and _imports(other) and not wants_import_lock(other)]
    alone = len(looks) == 1 and _lacks_threads(shop, look.thread.process)
    if alone or len(importers) == 1:
        wait = _add(shop, moment, look, IMPORT_LOCK, _futex(look))
        lock = wait.resource
        if importers and isinstance(lock, Resource):
            other = importers[0]
            moment.holds.append(Hold(other.thread, lock, None, _import_line(other), wait.ref))


def _imports(look: Look) -> bool:
    return any(_IMPORTLIB in site.file and site.function in _IMPORTING for site in look.stack)


def _import_line(look: Look) -> Site | None:
    """Return the outermost line whose import is not finished."""
    last = max((number for number, site in enumerate(look.stack) if _IMPORTLIB in site.file), default=len(look.stack))
    return next((site for site in look.stack[last + 1 :] if not _is_library(site)), None)
