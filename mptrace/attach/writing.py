"""Write what was seen into a run directory: the observer's log, and for each Python process a recorder file and its copy."""

from __future__ import annotations

import json
import os

from mptrace.attach.channels import Fill, read_fill
from mptrace.attach.departed import Departed, departed_record, find_departed, zombie_record
from mptrace.attach.descriptors import PIPE, SOCKET
from mptrace.attach.directory import write_meta
from mptrace.attach.looks import last_run_ns
from mptrace.attach.process_record import record_process
from mptrace.attach.recorded import mark_attached, take_over
from mptrace.attach.seen import Frame, SeenProcess
from mptrace.attach.sight import Sight
from mptrace.observe import procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire import resource
from mptrace.wire.event import signed
from mptrace.wire.events import observations
from mptrace.wire.rundir import MOMENTS, PROCESSES

UNKNOWN_STATUS = -1000
LOCALS_LIMIT = 1500
"""Longest text of a frame's locals."""


class MomentLog(ObserverLog):
    """The observer's log, and the number of the moment that is being written."""

    def __init__(self, path: str, moment: int) -> None:
        super().__init__(path)
        self.moment = moment


def write_run(sight: Sight, path: str) -> None:
    """Write everything; OSError if the directory cannot be written to."""
    moment, recorded = take_over(sight.job, path)
    if not mark_attached(path):
        write_meta(path, sight.job, sight.began_ns, _lost_main(sight))
    log = MomentLog(path, moment)
    departed = None if recorded else find_departed(sight)  # the dead of a traced job tell of themselves
    try:
        _write_observer(sight, log)
        if departed is not None:
            _write_departed(departed, sight, log)
    finally:
        log.close()
    for process in sight.job.living:
        if process.python and process.pid not in recorded:
            record = record_process(process, sight)
            record.save(os.path.join(path, PROCESSES))
            record.save(os.path.join(path, MOMENTS, f"{moment:04}"), segments=False)
    for pid in set(sight.stepchildren.values()) - recorded - {departed.pid if departed else 0}:
        zombie_record(sight.job.processes[pid], sight).save(os.path.join(path, PROCESSES))
    if departed is not None:
        departed_record(departed, sight).save(os.path.join(path, PROCESSES))


def _write_observer(sight: Sight, log: MomentLog) -> None:
    for process in sight.job.processes.values():
        _write_process(process, sight.began_ns, log)
    _write_lost_parents(sight, log)
    _write_newcomers(sight, log)
    for number in (0, 1):
        for process in sight.job.living:
            _write_looks(process, number, log)
    _write_moment(sight, log)


def _write_process(process: SeenProcess, began_ns: int, log: MomentLog) -> None:
    why = "" if process.python or process.zombie else "it may not be read" if process.closed else "it is not Python"
    log.write(
        observations.SEEN, process.pid, process.stat.ppid, process.stat.start, " ".join(process.command)[:2000],
        process.executable, why, at_ns=process.opened_ns,
    )  # fmt: skip
    if process.zombie:
        code = process.stat.exit_code
        status = -(code & 127) if code & 127 else code >> 8
        ended_ns = max(last_run_ns(process.pid, process.pid), process.opened_ns + 1)
        log.write(observations.EXITED, process.pid, status, "zombie", 1 if code & 128 else 0, at_ns=min(ended_ns, began_ns))


def _write_newcomers(sight: Sight, log: MomentLog) -> None:
    """Tell of processes that came too late to be looked at: they may do anything for those that wait."""
    for pid in sight.newcomers:
        stat = procfs.stat(pid)
        if stat is not None:
            command = " ".join(procfs.command(pid))[:2000]
            log.write(observations.SEEN, pid, stat.ppid, stat.start, command, procfs.executable(pid), "it had only just started")


def _lost_main(sight: Sight) -> int:
    """Return the pid of the job's first process, if that is gone: what is left are its children, its forkserver, its tracker."""
    root = sight.job.processes[sight.job.root]
    orphan = sight.orphans.get(root.pid) or next((one for one in sight.orphans.values() if root.service), None)
    return orphan.parent if orphan else 0


def _write_lost_parents(sight: Sight, log: MomentLog) -> None:
    """Tell of processes that are gone, and were the parents of some that are not: what they ran is known if they only forked."""
    eldest: dict[int, SeenProcess] = {}
    for orphan in sight.orphans.values():
        child = sight.job.processes.get(orphan.pid)
        if child is not None and child.opened_ns < eldest.get(orphan.parent, child).opened_ns + 1:
            eldest[orphan.parent] = child
    for pid, child in eldest.items():
        command = "" if "--multiprocessing-fork" in child.command else " ".join(child.command)[:2000]
        log.write(observations.SEEN, pid, 0, 0, command, "", "it was gone", at_ns=child.opened_ns - 1)
        log.write(observations.EXITED, pid, UNKNOWN_STATUS, "gone", 0, at_ns=sight.began_ns)


def _write_departed(departed: Departed, sight: Sight, log: MomentLog) -> None:
    """Tell of a lock that somebody took into its death; a zombie's end has been told."""
    for key in departed.keys:
        lost = next(lost for lost in sight.lost_locks if lost.key == key)
        log.write(observations.LOCK_LOST, log.moment, departed.pid, signed(key), lost.processes, lost.unread)
    if departed.pid not in sight.job.processes:
        status = next((birth.status for birth in sight.births if birth.pid == departed.pid and birth.ended), None)
        known = UNKNOWN_STATUS if status is None else status
        log.write(observations.EXITED, departed.pid, known, "memory", 0, at_ns=sight.began_ns)


def _write_looks(process: SeenProcess, number: int, log: MomentLog) -> None:
    for thread in process.threads.values():
        if number >= len(thread.looks):
            continue
        look = thread.looks[number]
        log.write(
            observations.THREAD, log.moment, process.pid, thread.tid, look.state, look.switches, look.syscall, look.wchan,
            look.cpu_ticks,
        )  # fmt: skip


def _write_moment(sight: Sight, log: MomentLog) -> None:
    log.write(observations.MOMENT, log.moment, "attach")
    for process in sight.job.living:
        _write_frames(process, log)
        log.write(observations.NATIVE, log.moment, process.pid, *process.signals)
        log.write(
            observations.PAUSED, process.pid, max((one.took_ns for one in sight.answers if one.pid == process.pid), default=0)
        )
    _write_pipes(sight, log)
    for copy in sight.copies:
        log.write(
            observations.SEMAPHORE,
            log.moment,
            copy.pid,
            signed(copy.key),
            copy.value,
            copy.count,
            copy.ident,
            copy.maximum,
            copy.kind,
        )
    for lock in sight.thread_locks:
        log.write(observations.LOCK_OWNER, log.moment, lock.pid, lock.key, lock.owner, int(lock.locked))
    write_holders(sight, log, log.moment)
    for answer in sight.answers:
        for what, thread, text, file, line, function in answer.told:
            log.write(observations.INSIDE, log.moment, answer.pid, thread, what, text[:1000], file, line, function)
        if answer.why:
            log.write(observations.NOT_SEEN, answer.pid, "what it tells of itself", answer.why)
    for pid, what, why in sight.not_seen:
        log.write(observations.NOT_SEEN, pid, what, why)


def write_holders(sight: Sight, log: ObserverLog, moment: int) -> None:
    """Write who has the locks of `threading` that are waited for, and which threads block in native code."""
    for native in sight.native_waits:
        log.write(
            observations.NATIVE_WAIT, moment, native.pid, native.tid, native.futex, native.owner, native.library, native.function
        )
    for held in sight.lock_holders:
        place = held.place or Frame("", 0, "")
        log.write(
            observations.LOCK_HOLDER, moment, held.pid, held.key, held.ident, held.tid, held.how, place.file, place.line,
            place.function,
        )  # fmt: skip


def _write_frames(process: SeenProcess, log: MomentLog) -> None:
    for thread in process.threads.values():
        for depth, frame in enumerate(thread.frames):
            log.write(
                observations.FRAME, log.moment, process.pid, thread.tid, depth, frame.file, frame.line, frame.function,
                _locals(frame), thread.name,
            )  # fmt: skip
        if thread.wait is not None and len(thread.wait.descriptors) > 1:
            _write_polled(process, thread.tid, thread.wait.descriptors, log)


def _locals(frame: Frame) -> str:
    """Return the locals as a JSON object, as many as fit."""
    found: dict[str, str] = {}
    size = 2
    for local in frame.locals:
        size += len(local.name) + len(local.text) + 8
        if size > LOCALS_LIMIT:
            break
        found[local.name] = local.text
    return json.dumps(found, ensure_ascii=False)


def _write_polled(process: SeenProcess, tid: int, numbers: tuple[int, ...], log: MomentLog) -> None:
    for number in numbers:
        found = process.descriptors.get(number)
        if found is not None and found.inode:
            log.write(observations.POLLED, log.moment, process.pid, tid, number, resource.PIPE, found.inode)


def _write_pipes(sight: Sight, log: MomentLog) -> None:
    """Write every end of every pipe and socket that belongs to the job alone, and who outside of it holds one."""
    fills: dict[tuple[str, int], Fill] = {}
    ours: set[int] = set()
    for process in sight.job.living:
        for found in process.descriptors.values():
            if found.kind not in {PIPE, SOCKET}:
                continue
            ours.add(found.inode)
            if (found.kind, found.inode) not in fills:
                fills[found.kind, found.inode] = read_fill(process.pid, found.number)
            fill = fills[found.kind, found.inode]
            log.write(
                observations.PIPE_END, log.moment, process.pid, found.number, found.inode, int(found.readable), int(found.writable),
                fill.queued, sight.names.peers.get(found.inode, 0),
            )  # fmt: skip
    _write_outsiders(sight, ours, log)


def _write_outsiders(sight: Sight, ours: set[int], log: MomentLog) -> None:
    world = sight.job.world
    peers = {sight.names.peers[inode] for inode in ours if inode in sight.names.peers} - ours
    for pid in world.stats:
        if pid in sight.job.processes:
            continue
        held = {found.inode for found in world.descriptors(pid).values() if found.kind in {PIPE, SOCKET}} & (ours | peers)
        command = " ".join(world.command(pid))[:200]
        for inode in held:
            log.write(observations.OUTSIDER, log.moment, pid, resource.PIPE, inode, command)
