"""What one process's recorder file says: who it is, what its threads wait for and hold, what was found in its memory."""

from __future__ import annotations

import signal

from mptrace.attach.recorder_file import RecorderFile
from mptrace.attach.seen import SeenProcess, SeenThread
from mptrace.attach.sight import Birth, Breakage, Respawns, Sight, Thing
from mptrace.wire import wait
from mptrace.wire.event import signed
from mptrace.wire.events import failures, processes, resources, tasks, threads


def record_process(process: SeenProcess, sight: Sight) -> RecorderFile:
    """Return the recorder file of one process."""
    parent = sight.job.processes.get(process.stat.ppid)
    orphan = sight.orphans.get(process.pid)
    forked = process.forked and orphan is None  # whose parent is not the forkserver that forked it, and is gone
    opened = parent.opened_ns if parent and forked else 0
    left_by = orphan.parent if orphan else sight.stepchildren.get(process.pid, process.stat.ppid)
    record = RecorderFile(process.pid, left_by, process.opened_ns, opened, forked=forked)
    _record_birth(process, record)
    for thread in process.threads.values():
        _record_thread(thread, process, record)
        record.add_thread(thread, sight.began_ns)
    for hold in process.holds:
        record.hold(hold.key, hold.ident)
    for thing in sight.things:
        if thing.pid == process.pid:
            _record_thing(thing, sight, record)
    for birth in sight.births:
        if birth.parent == process.pid:
            _record_birth_of(birth, sight, record)
    _record_orders(process, sight, record)
    if process.lost_threads:
        record.log(processes.FORK_THREADS, process.lost_threads, at_ns=process.opened_ns)
    _record_pools(process, sight, record)
    _record_pairs(process, sight, record)
    return record


def _record_birth(process: SeenProcess, record: RecorderFile) -> None:
    how = "fork" if process.forked else "exec"
    command = "" if process.forked else " ".join(process.command)[:2000]
    record.log(
        processes.BOOTED, how, process.executable, process.python, command, "", "", process.start_method, -1,
    )  # fmt: skip
    if process.begun and (process.name or (process.start_method and not process.service)):
        record.log(
            processes.RUNNING, process.name or f"Process-{process.pid}", process.target, int(process.daemon),
            process.start_method, "", 0,
        )  # fmt: skip


def _record_birth_of(child: Birth, sight: Sight, record: RecorderFile) -> None:
    """What the parent knows of a child: that it started it, and how it ended."""
    process = sight.job.processes.get(child.pid)
    born_ns = process.opened_ns if process else record.opened_ns
    site = record.site(process.started_at) if process and process.started_at else 0
    method = child.start_method or (process.start_method if process else "")
    record.log(processes.STARTED, child.pid, child.name, child.target, int(child.daemon), method, site, 0, 0, at_ns=born_ns)
    if child.ended and child.status is not None:
        record.log(processes.REAPED, child.pid, child.status, "memory", 0, at_ns=sight.began_ns)


def _record_orders(process: SeenProcess, sight: Sight, record: RecorderFile) -> None:
    """What it has told children to end by, that it waits for now: before that wait."""
    for asked in sight.asked_to_end:
        if asked.pid == process.pid:
            since_ns, site = process.threads[asked.tid].since_ns, record.site(asked.place) if asked.place else 0
            told = (asked.child, asked.signal, asked.how, asked.call, site)
            record.log(processes.ASKED_TO_END, *told, tid=asked.tid, at_ns=(since_ns or sight.began_ns) - 1)


def _record_thread(thread: SeenThread, process: SeenProcess, record: RecorderFile) -> None:
    if thread.tid != process.pid and thread.ident:
        record.log(
            threads.STARTED, thread.ident, thread.tid, thread.name, "", 1, thread.role, signed(thread.serves), 0, tid=thread.tid
        )


def _record_pools(process: SeenProcess, sight: Sight, record: RecorderFile) -> None:
    """What the pools of a process have come to: threads that are gone, states, jobs that are not done."""
    at_ns = sight.began_ns
    if process.pool:
        record.log(tasks.WORKER, signed(process.pool), process.name)
    _record_states(process, sight, record)
    _record_work(process, sight, record)
    for dead in sight.dead_threads:
        if dead.pid == process.pid:
            site = record.site(dead.callback) if dead.callback else 0
            told = (dead.inner_tid, dead.name, dead.role, signed(dead.serves), dead.message or "an exception", "", "", site)
            record.log(threads.DIED, *told, tid=dead.inner_tid, at_ns=at_ns)
    for lost in sight.lost_tasks:
        if lost.pid == process.pid:
            record.log(tasks.DISPATCHED, signed(lost.key), lost.job, lost.left, -1, at_ns=at_ns)
    for found in sight.respawns:
        if found.pid == process.pid:
            _record_respawns(found, sight, record)


def _record_states(process: SeenProcess, sight: Sight, record: RecorderFile) -> None:
    """Executors that are broken, pools that were closed or terminated."""
    _record_executors(process, sight, record)
    for broken in sight.breakages:
        if broken.pid == process.pid:
            _record_breakage(broken, sight, record)
    for failed in sight.failed_callbacks:
        if failed.pid == process.pid:
            site, name = record.site(failed.callback), failed.callback.function
            told = (signed(failed.pool), failed.job, name, "KeyError", "", "", site)
            record.log(failures.CALLBACK_FAILED, *told, at_ns=sight.began_ns)
    for state in sight.pool_states:
        if state.pid == process.pid:
            record.log(tasks.POOL_STATE, signed(state.key), state.call, state.pending, 0, at_ns=_before_the_waits(process, sight))


def _record_executors(process: SeenProcess, sight: Sight, record: RecorderFile) -> None:
    """How they were made, and that they have work and no worker."""
    for made in sight.executors:
        if made.pid == process.pid:
            shape = (signed(made.pool), made.workers, "", made.max_tasks, made.start_method, 0)
            record.log(tasks.POOL, *shape, at_ns=sight.began_ns)
    for starved in sight.starvations:
        if starved.pid == process.pid:
            record.log(tasks.STARVED, signed(starved.pool), starved.pending, at_ns=sight.began_ns)


def _before_the_waits(process: SeenProcess, sight: Sight) -> int:
    """Whoever waits for a result of a pool is not in the middle of terminating it: that was before."""
    since = (thread.since_ns for thread in process.threads.values() if thread.intent and thread.intent.kind == wait.RESULT)
    return min([number - 1 for number in since if number] or [sight.began_ns])


def _record_breakage(broken: Breakage, sight: Sight, record: RecorderFile) -> None:
    """An executor that broke, how its workers ended, and which of them it ended itself."""
    key, at_ns = signed(broken.pool), sight.began_ns
    record.log(tasks.BROKEN, key, broken.cause, broken.pending, at_ns=at_ns)
    for pid, status in broken.ended:
        record.log(tasks.WORKER_JOINED, key, pid, status, "", at_ns=at_ns)
    for pid in broken.terminated:
        record.log(processes.SIGNALLED, pid, signal.SIGTERM, "terminate", 0, 0, at_ns=at_ns)


def _record_work(process: SeenProcess, sight: Sight, record: RecorderFile) -> None:
    """What it is in the middle of, and what it has handed in."""
    for task in sight.tasks:
        if task.pid == process.pid:
            since_ns = process.threads[process.pid].since_ns
            record.do(task.pool, task.job << 32 | task.index, process.pid, task.text, since_ns)
    for call in sight.handed_in:
        if call.pid == process.pid:
            record.log(tasks.SUBMITTED, signed(call.pool), call.job, 1, call.function, "", 0, at_ns=sight.began_ns)


def _record_respawns(found: Respawns, sight: Sight, record: RecorderFile) -> None:
    """What was seen of a pool whose workers end as fast as they are replaced."""
    key, at_ns = signed(found.key), sight.began_ns
    record.log(tasks.POOL, key, found.places, found.initializer, 0, "", 0, at_ns=at_ns)
    for pid, name, code in found.ended:
        record.log(tasks.WORKER_JOINED, key, pid, code, name, at_ns=at_ns)
    if found.untaken:
        record.log(tasks.UNTAKEN, key, len(found.ended), at_ns=at_ns)


def _record_thing(thing: Thing, sight: Sight, record: RecorderFile) -> None:
    """Made is what a thing is called once in the job; every other process that has it knows it."""
    key, at_ns = signed(thing.key), sight.began_ns
    if thing.kind and sight.is_first(thing):
        record.log(resources.MADE, thing.family, key, thing.kind, 0, thing.detail, thing.number, at_ns=at_ns)
    elif not thing.part_of and not thing.name:
        record.log(resources.KNOWN, thing.family, key, thing.kind, at_ns=at_ns)
    if thing.part_of is not None:
        family, owner, role = thing.part_of
        record.log(resources.PART, thing.family, key, family, signed(owner), role, at_ns=at_ns)
    if thing.name:
        record.log(resources.NAMED, thing.family, key, thing.name, at_ns=at_ns)


def _record_pairs(process: SeenProcess, sight: Sight, record: RecorderFile) -> None:
    """Tell which sockets are the two ends of one connection."""
    for inode in {found.inode for found in process.descriptors.values()}:
        peer = sight.names.peers.get(inode)
        if peer:
            record.log(resources.PAIR, inode, peer, 1)
