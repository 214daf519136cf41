"""How things are called across a job: semaphores by name or inode, processes by our number, children by their sentinel."""

from __future__ import annotations

import os

from mptrace.attach.address_space import semaphore_name
from mptrace.attach.channels import read_unix_peers
from mptrace.attach.job import Job
from mptrace.attach.seen import SeenProcess
from mptrace.wire.resource import semaphore_key

SHM = "/dev/shm"  # noqa: S108 - where the kernel's semaphores are


class JobNames:
    """The one place that maps what differs between processes to what does not."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._semaphores = _linked_semaphores()
        self.peers = read_unix_peers()
        """Inode of a connected socket -> inode of its other end."""
        self.sentinels: dict[tuple[int, int], int] = {}
        """(pid, descriptor) -> pid of the child whose end makes it readable."""
        for process in job.living:
            for region in process.space.semaphores().values():
                self.note_semaphore(region.inode, semaphore_name(region))
        self._inner = {
            (_namespace(process.pid), process.inner_pid): process.pid
            for process in job.processes.values()
            if process.inner_pid != process.pid
        }

    def note_semaphore(self, inode: int, name: str) -> None:
        """Learn the name of a semaphore; an empty one is no news."""
        if name:
            self._semaphores[inode] = semaphore_key(name)

    def semaphore_key(self, inode: int) -> int:
        """Return the key that the agent would give it, if its name is known, else its inode."""
        return self._semaphores.get(inode, inode)

    def outer_pid(self, process: SeenProcess, inner: int) -> int:
        """Return our number of a process that its own pid namespace calls ``inner``."""
        return self._inner.get((_namespace(process.pid), inner), inner) if self._inner else inner

    def has_peer(self, inode: int) -> bool:
        """Is the other end of this socket on this machine, and known?"""
        return bool(self.peers.get(inode))

    def sentinel(self, process: SeenProcess, descriptor: int) -> int:
        """Return the pid of the child that a descriptor becomes readable for when it ends, 0 if it is no sentinel."""
        return self.sentinels.get((process.pid, descriptor), 0)


def _linked_semaphores() -> dict[int, int]:
    """Return inode -> key of the semaphores that still have a name (spawn and forkserver keep it until the end)."""
    try:
        entries = [entry for entry in os.scandir(SHM) if entry.name.startswith("sem.mp-")]
    except OSError:
        return {}
    return {entry.inode(): semaphore_key(entry.name) for entry in entries}


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""
