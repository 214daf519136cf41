"""The open files of a process: which pipes, sockets and pidfds, which way round, at which number."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from mptrace.observe.procfs import read_bytes

PIPE, SOCKET, PIDFD, OTHER = "pipe", "socket", "pidfd", "other"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One open file: ``inode`` of a pipe or socket; ``info``: what fdinfo says of a pidfd."""

    number: int
    kind: str
    inode: int
    readable: bool
    writable: bool
    info: str = ""
    path: str = ""

    @property
    def pid(self) -> int:
        """The process that a pidfd stands for, in our pid namespace; 0 if unknown."""
        found = re.search(r"^Pid:\s*(\d+)", self.info, re.MULTILINE)
        return int(found[1]) if found else 0


_LINK = re.compile(r"(pipe|socket):\[(\d+)\]$")


def read_descriptors(pid: int) -> dict[int, Descriptor]:
    """Read the open files of a process; empty if they are not ours to see."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return {}
    found = (_read_one(pid, int(name)) for name in names)
    return {descriptor.number: descriptor for descriptor in found if descriptor}


def _read_one(pid: int, number: int) -> Descriptor | None:
    try:
        link = os.readlink(f"/proc/{pid}/fd/{number}")
    except OSError:
        return None
    match = _LINK.match(link)
    if match:
        readable, writable = _directions(pid, number) if match[1] == PIPE else (True, True)
        return Descriptor(number, match[1], int(match[2]), readable, writable)
    kind = PIDFD if "[pidfd]" in link else OTHER
    info = read_bytes(f"/proc/{pid}/fdinfo/{number}").decode("ascii", "replace") if kind != OTHER else ""
    return Descriptor(number, kind, 0, readable=True, writable=True, info=info, path=link)


def _directions(pid: int, number: int) -> tuple[bool, bool]:
    """Return whether an end of a pipe reads and writes: the mode of the link in /proc says it without a second read."""
    try:
        mode = os.lstat(f"/proc/{pid}/fd/{number}").st_mode
    except OSError:
        return True, True
    return bool(mode & 0o400), bool(mode & 0o200)
