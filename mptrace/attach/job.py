"""Which processes belong to a job: from any one of them upwards, downwards, and sideways by the semaphores and pipes they share."""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field

from mptrace.attach.address_space import AddressSpace, read_address_space
from mptrace.attach.cpython.image import is_python
from mptrace.attach.descriptors import PIPE, SOCKET, Descriptor, read_descriptors
from mptrace.attach.refusals import just_ending, no_python, refuse
from mptrace.attach.seen import SeenProcess
from mptrace.observe import procfs
from mptrace.observe.procfs import Stat
from mptrace.wire.rundir import ENV_RUN

PROCESSES_LIMIT = 2000
"""Most processes of one job that are looked at."""

_CHILD = re.compile(r"from multiprocessing\.(spawn|forkserver|resource_tracker|semaphore_tracker) import")
TRACKER, FORKSERVER = "resource tracker", "forkserver"


@dataclass(slots=True, eq=False)
class World:
    """All processes of the machine that we can see, at about one instant; what is asked twice is read once."""

    stats: dict[int, Stat]
    children: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _commands: dict[int, list[str]] = field(default_factory=dict)
    _descriptors: dict[int, dict[int, Descriptor]] = field(default_factory=dict)
    _spaces: dict[int, AddressSpace] = field(default_factory=dict)

    def command(self, pid: int) -> list[str]:
        """Return the argv of a process."""
        if pid not in self._commands:
            self._commands[pid] = procfs.command(pid)
        return self._commands[pid]

    def descriptors(self, pid: int) -> dict[int, Descriptor]:
        """Return the open files of a process."""
        if pid not in self._descriptors:
            self._descriptors[pid] = read_descriptors(pid)
        return self._descriptors[pid]

    def space(self, pid: int) -> AddressSpace:
        """Return what a process has mapped."""
        if pid not in self._spaces:
            self._spaces[pid] = read_address_space(pid)
        return self._spaces[pid]

    def channels(self, pid: int) -> set[int]:
        """Return the inodes of the pipes and sockets of a process beyond its stdin, stdout and stderr."""
        return {d.inode for d in self.descriptors(pid).values() if d.kind in {PIPE, SOCKET} and d.number > 2}

    def semaphores(self, pid: int) -> set[int]:
        """Return the inodes of the semaphores that a process has mapped."""
        return {region.inode for region in self.space(pid).semaphores().values()}


def read_world() -> World:
    """Look at all processes."""
    stats = {pid: stat for name in os.listdir("/proc") if name.isdigit() and (stat := procfs.stat(pid := int(name)))}
    world = World(stats)
    for pid, stat in stats.items():
        world.children[stat.ppid].append(pid)
    return world


@dataclass(slots=True, eq=False)
class Job:
    """The processes of a job by pid, the outermost first; ``strangers``: (pid, inode) of others that hold one of its pipes."""

    root: int
    processes: dict[int, SeenProcess]
    world: World

    @property
    def living(self) -> list[SeenProcess]:
        """Return those that have not ended."""
        return [process for process in self.processes.values() if not process.zombie]

    def newcomers(self) -> list[int]:
        """Return the processes that were started since the job was found: who waits may have been waited for by none of those seen."""
        world = read_world()
        ours = _descend([os.getpid()], world)
        below = _descend([pid for pid in self.processes if pid in world.stats], world)
        return sorted(below - self.processes.keys() - ours)

    def drop_the_gone(self) -> None:
        """Forget processes that have ended since they were seen first, and whose parents know it: they are as if never seen."""
        for pid in [pid for pid in self.processes if pid != self.root and not os.path.exists(f"/proc/{pid}")]:
            del self.processes[pid]


def find_job(pid: int) -> Job:
    """Find the job that a process belongs to; MptraceError in one sentence if there is nothing to look at."""
    pid = refuse(pid)
    world = read_world()
    root = _climb(_python(pid, world), world)
    found = _descend([root], world)
    _widen(found, root, world)
    found.discard(os.getpid())
    chosen = sorted(found, key=lambda one: (one != root, world.stats[one].start, one))[:PROCESSES_LIMIT]
    processes = {one: see_process(one, world) for one in chosen}
    _note_origins(processes)
    return Job(root, processes, world)


def _python(pid: int, world: World) -> int:
    """Return the process itself if it runs Python, else the one below it that does: a shell, uv or a frozen program's loader starts it."""
    todo, found = [pid], list[int]()
    for one in todo:
        if is_python(world.space(one)):
            found.append(one)
        else:
            todo += (child for child in world.children[one] if child != os.getpid())
    if not world.space(pid).regions and not found[:-1]:
        raise just_ending(pid)
    if len(found) != 1:
        raise no_python(pid, found)
    return found[0]


def _climb(pid: int, world: World) -> int:
    """Return the outermost ancestor that is of the same job."""
    while pid in world.stats:
        parent = world.stats[pid].ppid
        if parent <= 1 or parent not in world.stats or parent == os.getpid() or not _is_parent(parent, pid, world):
            break
        pid = parent
    return pid


def _is_parent(parent: int, child: int, world: World) -> bool:
    """Is that parent of the same job: did it fork this child, or start it through multiprocessing?"""
    if not is_python(world.space(parent)):
        return False
    if procfs.environment(child).get(ENV_RUN) != procfs.environment(parent).get(ENV_RUN):  # the launcher of a traced job
        return False
    if _CHILD.search(" ".join(world.command(child))) or world.command(parent) == world.command(child):
        return True
    if world.semaphores(parent) & world.semaphores(child):
        return True
    same = procfs.executable(parent) == procfs.executable(child)
    return same and bool(world.channels(parent) & world.channels(child))


def _descend(roots: list[int], world: World) -> set[int]:
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found and pid in world.stats and pid != os.getpid():
            found.add(pid)
            todo += world.children[pid]
    return found


def _widen(found: set[int], root: int, world: World) -> None:
    """Add what lost its parent: processes of the same program that share a semaphore or a pipe with the job."""
    programs = {procfs.executable(pid) for pid in found if is_python(world.space(pid))} - {""}
    above = _ancestors(root, world)
    candidates = [pid for pid in world.stats if pid not in found and pid not in above and procfs.executable(pid) in programs]
    semaphores = set[int]().union(*(world.semaphores(pid) for pid in found))
    channels = set[int]().union(*(world.channels(pid) for pid in found)) - _standard_streams(found, world)
    channels -= set[int]().union(*(world.channels(pid) for pid in above))  # a shell hands its own pipes to all that it starts
    for pid in candidates:
        if world.semaphores(pid) & semaphores or world.channels(pid) & channels:
            found |= _descend([pid], world)


def _ancestors(pid: int, world: World) -> set[int]:
    above: set[int] = {os.getpid()}
    while pid in world.stats and pid > 1:
        pid = world.stats[pid].ppid
        above.add(pid)
    return above


def _standard_streams(found: set[int], world: World) -> set[int]:
    return {d.inode for pid in found for d in world.descriptors(pid).values() if d.number <= 2}


def see_process(pid: int, world: World) -> SeenProcess:
    """Return what there is to be seen of a process at first sight."""
    stat, status = world.stats[pid], procfs.read_bytes(f"/proc/{pid}/status")
    born_ns = stat.start * 1_000_000_000 // procfs.CLOCK_TICKS
    asleep_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
    return SeenProcess(
        pid=pid,
        inner_pid=inner_id(status, pid),
        stat=stat,
        opened_ns=max(born_ns - asleep_ns, 1),
        command=world.command(pid),
        executable=procfs.executable(pid),
        space=world.space(pid),
        descriptors=world.descriptors(pid),
        python="?" if is_python(world.space(pid)) else "",
        signals=_signals(status),
        recording=procfs.environment(pid).get(ENV_RUN, ""),
    )


def _signals(status: bytes) -> tuple[int, int, int]:
    found = dict(re.findall(rb"^(Sig\w+):\s*([0-9a-f]+)$", status, re.MULTILINE))
    blocked, ignored, caught = (int(found.get(name, b"0"), 16) for name in (b"SigBlk", b"SigIgn", b"SigCgt"))
    return blocked, ignored, caught


def inner_id(status: bytes, default: int) -> int:
    """Return the number of a process or thread in its own pid namespace, from its status file."""
    found = re.search(rb"^NSpid:\s+(.*)$", status, re.MULTILINE)
    return int(found[1].split()[-1]) if found else default


def _note_origins(processes: dict[int, SeenProcess]) -> None:
    """Say how each process came to be; a forked child has its parent's command line, so only the first of a chain is what it says."""
    for process in processes.values():
        parent = processes.get(process.stat.ppid)
        words = " ".join(process.command)
        process.forked = bool(parent and parent.python and process.command and parent.command == process.command)
        if not process.forked and "multiprocessing.resource_tracker import main" in words:
            process.service = TRACKER
        if not process.forked and "multiprocessing.forkserver import main" in words:
            process.service = FORKSERVER
    for process in processes.values():
        parent = processes.get(process.stat.ppid)
        if process.forked:
            process.start_method = FORKSERVER if parent and parent.service == FORKSERVER else "fork"
        elif "multiprocessing.spawn import spawn_main" in " ".join(process.command):
            process.start_method = "spawn"
