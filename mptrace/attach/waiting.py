"""Find what every thread waits for, and drop what did not stay the same from the first look to the second."""

from __future__ import annotations

from dataclasses import replace

from mptrace.attach.import_locks import note_import_lock, wanted_import_lock
from mptrace.attach.insight import Insight
from mptrace.attach.intents import place_of, read_intent
from mptrace.attach.lock_holders import find_holders, waited_locks
from mptrace.attach.memory import Memory
from mptrace.attach.native_waits import read_native_wait
from mptrace.attach.refusals import why_closed, why_stopped
from mptrace.attach.seen import SeenProcess, SeenThread
from mptrace.attach.sight import DeadThread, Sight, Thing, ThreadLock
from mptrace.attach.syscalls import NAMES, parse_syscall
from mptrace.attach.thread_waits import is_foreign, refined
from mptrace.attach.waits import Waits
from mptrace.wire import resource, wait


def read_waits(sight: Sight, memories: dict[int, Memory]) -> None:
    """Read the waits of all threads, as of the last look at each."""
    for process in sight.job.living:
        if not process.python or process.service:  # those only answer what others ask
            continue
        waits = Waits(process, memories[process.pid], sight.names)
        for thread in process.threads.values():
            thread.wait = None if _is_server(thread) else waits.read(thread)
        stopped = why_stopped(process)
        if stopped:
            sight.miss(process.pid, "what it waits for", stopped)
        elif not NAMES or not any(thread.looks[-1].syscall for thread in process.threads.values()):
            why = "the numbers of this machine's system calls are not known" if not NAMES else why_closed(process.pid)
            sight.miss(process.pid, "waits", why)


def _is_server(thread: SeenThread) -> bool:
    """Is it the main thread of a manager's server, which only waits to be told to stop?"""
    return any(place_of(frame) == ("multiprocessing/managers.py", "serve_forever") for frame in thread.frames)


def read_intents(sight: Sight, insights: dict[int, Insight]) -> None:
    """Say which call of the program led to each wait, where its objects are known; and which child a join is for."""
    for pid, insight in insights.items():
        for thread in sight.job.processes[pid].threads.values():
            module = wanted_import_lock(insight, thread)
            if module and thread.wait is not None:
                note_import_lock(sight, insight, module)
                thread.wait = replace(thread.wait, key=module)
                continue
            thread.wait = refined(insight, thread) or thread.wait
            if is_foreign(insight, thread):
                thread.wait = thread.wait if _is_all_that_was_forked(insight.process) else None
                native = read_native_wait(insight.process, insight.objects.memory, thread)
                sight.native_waits += [native] if native is not None else []
            _note_lock(sight, insight, thread)
            thread.intent = read_intent(insight, thread)
        sight.lock_holders += find_holders(insight, waited_locks(insight.process, insight.thread_locks.values()))


def _is_all_that_was_forked(process: SeenProcess) -> bool:
    """Is it a forked child's only thread? Then no native thread is left that could end what it waits for."""
    return process.forked and process.start_method != "forkserver" and len(process.threads) == 1


def _note_lock(sight: Sight, insight: Insight, thread: SeenThread) -> None:
    """Note the lock of `threading` that a thread waits for: its kind and name, and the owner of an RLock."""
    if thread.wait is None or thread.wait.kind != wait.MUTEX_WAIT:
        return
    lock = next((lock for lock in insight.thread_locks.values() if lock.address == thread.wait.key), None)
    if lock is None:
        return
    pid, kind = insight.process.pid, "thread RLock" if lock.is_recursive else "thread Lock"
    name = min(insight.global_names(lock.address), default="") or insight.walk.names.get(lock.address, "")
    sight.things.append(Thing(pid, resource.MUTEX, lock.address, kind))
    if name:
        sight.things.append(Thing(pid, resource.MUTEX, lock.address, name=name))
    sight.thread_locks.append(ThreadLock(pid, lock.address, lock.owner, lock.locked))


def settle(sight: Sight) -> None:
    """After the second look: a thread that has gone on to another call waits for nothing that we know."""
    for process in sight.job.living:
        for thread in process.threads.values():
            if len({look.syscall for look in thread.looks}) > 1:
                thread.wait = thread.intent = None
        if _has_active_native(process):
            _doubt_locks(process)
    sight.dead_threads = [dead for dead in sight.dead_threads if _owner_stood_still(sight, dead)]
    sight.failed_callbacks = [failed for failed in sight.failed_callbacks if _stood_still(failed.witness)]
    sight.starvations = [starved for starved in sight.starvations if _stood_still(starved.manager)]
    sight.lost_tasks = [lost for lost in sight.lost_tasks if all(map(_stood_still, lost.witnesses))]


def _stood_still(thread: SeenThread) -> bool:
    """Did it not run from the first look to the last?"""
    return len(thread.looks) > 1 and len({(look.switches, look.cpu_ticks) for look in thread.looks}) == 1


def _owner_stood_still(sight: Sight, dead: DeadThread) -> bool:
    """Did the main thread not run meanwhile? Else it may have made the pool, and ended it, between what we read of them."""
    main = sight.job.processes[dead.pid].threads.get(dead.pid)
    return main is not None and _stood_still(main)


def _has_active_native(process: SeenProcess) -> bool:
    """Is there a native thread that may call back into Python: one that ran, or waits for anything but a futex?

    Idle workers of a numerical library wait for a futex and stand still; a network library's threads wait for sockets.
    """
    threads = process.threads.values()
    known = any(thread.frames for thread in threads)
    return any(_is_active(thread) for thread in threads if known and not thread.frames)


def _is_active(thread: SeenThread) -> bool:
    return not _stood_still(thread) or any(parse_syscall(look.syscall).name != "futex" for look in thread.looks)


def _doubt_locks(process: SeenProcess) -> None:
    """A lock of `threading` may be released by a native thread that calls back: such a wait is not told as one of the job's."""
    for thread in process.threads.values():
        if thread.wait is not None and thread.wait.kind == wait.MUTEX_WAIT:
            thread.wait = thread.intent = None
