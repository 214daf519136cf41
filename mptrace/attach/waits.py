"""What a blocked system call waits for: the semaphore, pipe, process or lock behind its numbers."""

from __future__ import annotations

import time
from struct import Struct, unpack_from
from typing import Protocol

from mptrace.attach.cpython.elf import image_size
from mptrace.attach.cpython.image import first_answer, images
from mptrace.attach.descriptors import PIDFD, PIPE, SOCKET, Descriptor
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import SeenProcess, SeenThread, SeenWait
from mptrace.attach.syscalls import POLLS, READS, WRITES, Syscall, parse_syscall, signed
from mptrace.wire import resource, wait

_FUTEX_WAIT, _FUTEX_WAIT_BITSET, _FUTEX_CLOCK_REALTIME = 0, 9, 0x100
_POLLIN, _POLLOUT = 1, 4
_TIMESPEC, _POLLFD = Struct("<qq"), Struct("<ihh")
POLL_LIMIT = 4096
"""Most descriptors of one poll that are looked at."""


class Names(Protocol):
    """How resources are called across the job; ``peers``: inode of a socket -> inode of its other end."""

    peers: dict[int, int]

    def semaphore_key(self, inode: int) -> int:
        """Return the key of a semaphore."""

    def outer_pid(self, process: SeenProcess, inner: int) -> int:
        """Return our number of a process that its own namespace calls ``inner``."""

    def has_peer(self, inode: int) -> bool:
        """Is the other end of this socket on this machine, and known?"""

    def sentinel(self, process: SeenProcess, descriptor: int) -> int:
        """Return the pid of the child that a descriptor becomes readable for when it ends, 0 if it is no sentinel."""


class Waits:
    """Reads waits of the threads of one process."""

    def __init__(self, process: SeenProcess, memory: Memory, names: Names) -> None:
        self._process, self._memory, self._names = process, memory, names

    def read(self, thread: SeenThread) -> SeenWait | None:
        """Return what a thread waits for; None if it runs, sleeps, or waits for something outside the job."""
        last = thread.looks[-1]
        if last.state not in "SD":
            return None
        call = parse_syscall(last.syscall)
        try:
            return self._read(call)
        except (Unreadable, IndexError):
            return None

    def _read(self, call: Syscall) -> SeenWait | None:
        if call.name == "futex":
            return self._futex(call)
        if call.name in READS:
            return self._channel(wait.RECV, call.descriptor, call.arguments[2] if call.name == "read" else 0)
        if call.name in WRITES:
            return self._channel(wait.SEND, call.descriptor, call.arguments[2] if call.name in {"write", "sendto"} else 0)
        if call.name in POLLS:
            return self._poll(call)
        if call.name in {"wait4", "waitid"}:
            return self._child(call)
        return None

    # -- futexes

    def _futex(self, call: Syscall) -> SeenWait | None:
        address, operation, _, timeout = call.arguments[:4]
        if operation & 0x7F not in {_FUTEX_WAIT, _FUTEX_WAIT_BITSET}:
            return None
        left = self._time_left(timeout, operation) if timeout else None
        region = self._process.space.region_at(address)
        if region is None:
            return None
        if region.is_semaphore:
            return SeenWait(wait.ACQUIRE, resource.SEM, self._names.semaphore_key(region.inode), left)
        if region.permissions[3] == "s" or self._is_interpreter(address):
            return None  # shared memory of somebody else's making, or the GIL: it is about to run
        return SeenWait(wait.MUTEX_WAIT, resource.MUTEX, address, left)

    def _is_interpreter(self, address: int) -> bool:
        """Does this lie in the static data of the interpreter? Its bss begins the nameless region behind its last mapped one.

        That region may go on with memory of another kind: the kernel makes one of neighbours that are alike.
        """
        regions = self._process.space.regions
        region = self._process.space.region_at(address)
        number = regions.index(region) if region else 0
        behind = regions[number - 1] if number and not regions[number].path else regions[number]
        if behind.path not in {one.path for one in images(self._process.space)} or behind.end < regions[number].start:
            return False
        size = first_answer(self._process.pid, behind, image_size)
        return not size or address < size + min(one.start - one.offset for one in regions if one.path == behind.path)

    def _time_left(self, address: int, operation: int) -> int:
        seconds, nanoseconds = _TIMESPEC.unpack(self._memory.read_fresh(address, 16))
        end = int(seconds) * 1_000_000_000 + int(nanoseconds)
        if operation & 0x7F == _FUTEX_WAIT:  # relative
            return max(end, 0)
        now = time.time_ns() if operation & _FUTEX_CLOCK_REALTIME else time.monotonic_ns()
        return max(end - now, 0)

    # -- descriptors

    def _channel(self, kind: int, number: int, size: int = 0, timeout_ns: int | None = None) -> SeenWait | None:
        found = self._process.descriptors.get(number)
        if found is None or found.kind not in {PIPE, SOCKET}:
            return None
        if found.kind == SOCKET and not self._names.has_peer(found.inode):
            return None  # a listener, or a connection of another machine or namespace
        return SeenWait(kind, resource.PIPE, found.inode, timeout_ns, size, (number,))

    def _poll(self, call: Syscall) -> SeenWait | None:
        timeout_ns = self._poll_timeout(call)
        numbers = self._polled(call)[:POLL_LIMIT]
        waited = [one for number in numbers if (one := self._polled_one(number, timeout_ns)) is not None]
        if not waited or len(waited) < len(numbers):  # nothing at all, or something of the outside among them
            return None
        if len(waited) == 1:
            return waited[0]
        first = waited[0]
        return SeenWait(wait.READY, first.family, first.key, timeout_ns, len(waited), tuple(numbers))

    def _polled_one(self, number: int, timeout_ns: int | None) -> SeenWait | None:
        child = self._names.sentinel(self._process, number)
        found = self._process.descriptors.get(number)
        if child or (found is not None and found.kind == PIDFD):
            pid = child or (found.pid if found else 0)
            return SeenWait(wait.REAP, resource.PROCESS, pid, timeout_ns, 1, (number,)) if pid > 0 else None
        if found is not None and found.kind == SOCKET and self._names.peers.get(found.inode) in self._inodes():
            return None  # a loop's own wake-up channel: any callback of any thread may use it
        return self._channel(wait.READY, number, 1, timeout_ns)

    def _inodes(self) -> set[int]:
        return {found.inode for found in self._process.descriptors.values()}

    def _polled(self, call: Syscall) -> list[int]:
        """Return the descriptors that a poll, select or epoll waits for."""
        if call.name in {"poll", "ppoll"}:
            count = min(call.arguments[1], POLL_LIMIT)
            data = self._memory.read_fresh(call.arguments[0], 8 * count) if count else b""
            return [number for at in range(count) if (number := _POLLFD.unpack_from(data, 8 * at)[0]) >= 0]
        if call.name.startswith("epoll"):  # an event loop: it may have timers and callbacks, and is nobody's to judge
            return []
        return self._selected(call)

    def _selected(self, call: Syscall) -> list[int]:
        count = min(call.arguments[0], 1024)
        found: set[int] = set()
        for address in call.arguments[1:3]:
            if address:
                bits = self._memory.read_fresh(address, (count + 7) // 8)
                found |= {number for number in range(count) if bits[number // 8] >> number % 8 & 1}
        return sorted(found)

    def _poll_timeout(self, call: Syscall) -> int | None:
        """Return what a poll was given as its timeout, None for ever (select and ppoll count it down; close enough)."""
        if call.name in {"poll", "epoll_wait", "epoll_pwait"}:
            milliseconds = signed(call.arguments[2 if call.name == "poll" else 3])
            return None if milliseconds < 0 else milliseconds * 1_000_000
        address = call.arguments[2 if call.name == "ppoll" else 4]
        if not address:
            return None
        seconds, fraction = unpack_from("<qq", self._memory.read_fresh(address, 16))
        return int(seconds) * 1_000_000_000 + int(fraction) * (1000 if call.name == "select" else 1)

    def _child(self, call: Syscall) -> SeenWait | None:
        if call.name == "waitid" and call.arguments[0] != 1:  # 1: P_PID
            found: Descriptor | None = self._process.descriptors.get(call.arguments[1])
            return SeenWait(wait.REAP, resource.PROCESS, found.pid) if found is not None and found.pid else None
        inner = signed(call.arguments[0 if call.name == "wait4" else 1])
        if inner <= 0:  # any child: who starts the next one cannot be told
            return None
        return SeenWait(wait.REAP, resource.PROCESS, self._names.outer_pid(self._process, inner))
