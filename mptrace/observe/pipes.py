"""Who has which end of the pipes and sockets that matter at a moment, and how much lies in them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mptrace.observe import libc, procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire.event import signed
from mptrace.wire.events import observations as seen

ENDS = 4000
FILES_OF_A_PROCESS = 2000


@dataclass(frozen=True, slots=True)
class End:
    """A descriptor of a process that is one end of a pipe or socket; ``inode`` as in wire/resource.py."""

    pid: int
    fd: int
    inode: int
    readable: bool
    writable: bool


def note_pipe_ends(log: ObserverLog, moment: int, pids: Collection[int], keys: Collection[int]) -> None:
    """Write a PIPE_END event for each descriptor of these processes whose inode is one of ``keys``."""
    queued: dict[int, int] = {}
    for number, end in enumerate(_ends(pids, keys)):
        if number >= ENDS:
            log.write(seen.NOT_SEEN, end.pid, "pipes", f"more than {ENDS} ends")
            return
        if end.inode not in queued:
            queued[end.inode] = queued_bytes(end.pid, end.fd)
        log.write(
            seen.PIPE_END, moment, end.pid, end.fd, signed(end.inode), int(end.readable), int(end.writable), queued[end.inode], 0
        )


def _ends(pids: Collection[int], keys: Collection[int]) -> Iterator[End]:
    for pid in pids:
        try:
            names = os.listdir(f"/proc/{pid}/fd")[:FILES_OF_A_PROCESS]
        except OSError:
            continue
        for name in names:
            inode = _inode(pid, name)
            if inode in keys:
                yield _end(pid, int(name), inode)


def _inode(pid: int, name: str) -> int:
    try:
        kind, _, rest = os.readlink(f"/proc/{pid}/fd/{name}").partition(":[")
    except OSError:
        return -1
    return int(rest[:-1]) if kind in ("pipe", "socket") and rest[:-1].isdigit() else -1


def _end(pid: int, fd: int, inode: int) -> End:
    mode = os.O_RDWR
    for line in procfs.read_bytes(f"/proc/{pid}/fdinfo/{fd}").splitlines():
        name, _, value = line.partition(b":")
        if name == b"flags":
            mode = int(value, 8) & os.O_ACCMODE
    return End(pid, fd, inode, mode != os.O_WRONLY, mode != os.O_RDONLY)


def queued_bytes(pid: int, fd: int) -> int:
    """Return the bytes that wait to be read, -1 if that cannot be found out; our duplicate of it lives for microseconds."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return -1
    descriptor = -1
    try:
        descriptor = libc.pidfd_getfd(pidfd, fd)
        return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0"))[0])
    except OSError:
        return -1
    finally:
        for number in (descriptor, pidfd):
            with contextlib.suppress(OSError):
                os.close(number)
