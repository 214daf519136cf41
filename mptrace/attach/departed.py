"""Locks that their holder took into its death: which of the dead it was, as far as that can be told."""

from __future__ import annotations

from dataclasses import dataclass

from mptrace.attach.recorder_file import RecorderFile
from mptrace.attach.seen import SeenProcess
from mptrace.attach.sight import Birth, LostTask, Sight
from mptrace.wire.event import signed
from mptrace.wire.events import processes, tasks

IDENT = 1
"""What the thread of a dead process is called that held a lock: nobody knows its ident any more."""


@dataclass(frozen=True, slots=True)
class Departed:
    """A process that is gone, and the locks it held; ``pid`` 0 and a name like `a former process` if nobody knows more."""

    pid: int
    parent: int
    name: str
    keys: tuple[int, ...]
    task: LostTask | None = None


def find_departed(sight: Sight) -> Departed | None:
    """Return who held the lost locks, if everybody alive could be asked: the one dead process, or a nameless one."""
    keys = tuple(lost.key for lost in sight.lost_locks if lost.unread == 0)
    task = sight.lost_tasks[0] if sight.lost_tasks and sight.gone_workers else None
    if not keys and task is None:
        return None
    dead = _dead(sight)
    if len(dead) == 1 and not sight.forgotten:
        (pid, birth), *_ = dead.items()
        parent = birth.parent if birth else sight.job.processes[pid].stat.ppid
        return Departed(pid, parent, birth.name if birth else "", keys, task)
    names = [birth.name for birth in dead.values() if birth and birth.name]
    names += sight.gone_workers if sight.forgotten == len(sight.gone_workers) or task else ["", "", "", ""]
    return Departed(0, sight.job.root, _either(names), keys, task)


def _dead(sight: Sight) -> dict[int, Birth | None]:
    """Return the dead whose number is known: zombies, and children whose parent's Process object is still there."""
    found: dict[int, Birth | None] = {process.pid: None for process in sight.job.processes.values() if process.zombie}
    found.update({birth.pid: birth for birth in sight.births if birth.ended})
    return found


def _either(names: list[str]) -> str:
    if not 0 < len(names) < 4 or not all(names):
        return "a former process"
    return " or ".join(names)


def zombie_record(process: SeenProcess, sight: Sight) -> RecorderFile:
    """Return the recorder file of a dead process that its parent has not asked about: for whom it worked, whom it left behind."""
    record = RecorderFile(process.pid, process.stat.ppid, process.opened_ns)
    record.log(processes.BOOTED, "fork", "", "", "", "", "", "", -1)
    if process.pool:
        record.log(tasks.WORKER, signed(process.pool), "")
    for pid in [pid for pid, parent in sight.stepchildren.items() if parent == process.pid]:
        child = sight.job.processes[pid]
        site = record.site(child.started_at) if child.started_at else 0
        told = (pid, child.name, child.target, int(child.daemon), child.start_method, site, 0, 0)
        record.log(processes.STARTED, *told, at_ns=child.opened_ns)
    return record


def departed_record(departed: Departed, sight: Sight) -> RecorderFile:
    """Return the recorder file of a dead process: all that is known of it is what it held."""
    parent = sight.job.processes.get(departed.parent)
    opened_ns = (parent.opened_ns if parent else sight.began_ns) + 1
    record = RecorderFile(departed.pid, departed.parent, opened_ns)
    record.log(processes.BOOTED, "fork", "", "", "", "", "", "", -1)
    if departed.name:
        record.log(processes.RUNNING, departed.name, "", 0, "", "", 0)
    record.add_holder(IDENT, departed.pid)
    for key in departed.keys:
        record.hold(key, IDENT)
    if departed.task is not None:
        record.log(tasks.WORKER, signed(departed.task.key), departed.name)
        record.do(departed.task.key, departed.task.job << 32, departed.pid)
    return record
