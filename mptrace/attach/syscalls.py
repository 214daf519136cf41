"""A blocked system call as /proc/PID/task/TID/syscall words it: its name and its arguments."""

from __future__ import annotations

import os
from dataclasses import dataclass

_X86_64 = {
    0: "read", 1: "write", 7: "poll", 19: "readv", 20: "writev", 23: "select", 34: "pause", 35: "nanosleep", 42: "connect",
    43: "accept", 44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg", 61: "wait4", 72: "fcntl", 73: "flock",
    128: "rt_sigtimedwait", 130: "rt_sigsuspend", 202: "futex", 219: "restart_syscall", 230: "clock_nanosleep",
    232: "epoll_wait", 247: "waitid", 270: "pselect6", 271: "ppoll", 281: "epoll_pwait", 288: "accept4",
}  # fmt: skip
_AARCH64 = {
    22: "epoll_pwait", 25: "fcntl", 32: "flock", 63: "read", 64: "write", 65: "readv", 66: "writev", 72: "pselect6", 73: "ppoll",
    95: "waitid", 98: "futex", 101: "nanosleep", 115: "clock_nanosleep", 128: "restart_syscall", 133: "rt_sigsuspend",
    137: "rt_sigtimedwait", 202: "accept", 203: "connect", 206: "sendto", 207: "recvfrom", 211: "sendmsg", 212: "recvmsg",
    242: "accept4", 260: "wait4",
}  # fmt: skip
NAMES = {"x86_64": _X86_64, "aarch64": _AARCH64}.get(os.uname().machine, {})
"""Number -> name on this machine; empty on one whose numbers we have not tried."""

READS = frozenset({"read", "readv", "recvfrom", "recvmsg"})
WRITES = frozenset({"write", "writev", "sendto", "sendmsg"})
POLLS = frozenset({"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait"})


@dataclass(frozen=True, slots=True)
class Syscall:
    """``name`` is "" for a thread that is in none, ``running`` for one on a processor."""

    name: str
    arguments: tuple[int, ...] = ()

    @property
    def descriptor(self) -> int:
        """The first argument, as a descriptor."""
        return self.arguments[0] & 0xFFFFFFFF


def parse_syscall(said: str) -> Syscall:
    """Read one line of /proc; an unknown call is called by its number."""
    words = said.split()
    if not words or words[0] == "-1":
        return Syscall("")
    if words[0] == "running":
        return Syscall("running")
    number = int(words[0])
    return Syscall(NAMES.get(number, f"call {number}"), tuple(int(word, 16) for word in words[1:7]))


def signed(argument: int) -> int:
    """Return a 32-bit argument as the signed number it is."""
    low = argument & 0xFFFFFFFF
    return low - (1 << 32) if low >= 1 << 31 else low
