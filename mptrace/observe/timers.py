"""Will something move by itself? A thread that sleeps or waits with a timeout, a timer, or one that reads what somebody types.

Read from /proc/PID/task/TID/syscall: the number and the arguments of the call that a thread is blocked in.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence
from signal import SIGALRM, SIGPROF, SIGVTALRM

from mptrace.observe import procfs

Arguments = Sequence[int]

_FUTEX_WAITS = {0, 6, 9, 11}  # WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI


def _always(_: Arguments) -> bool:
    return True


def _pointer(place: int) -> Callable[[Arguments], bool]:
    """A timeout by pointer: none if it is null."""
    return lambda arguments: arguments[place] != 0


def _milliseconds(place: int) -> Callable[[Arguments], bool]:
    """A timeout in milliseconds: none if it is negative."""
    return lambda arguments: not arguments[place] & 0x80000000


def _futex(arguments: Arguments) -> bool:
    return arguments[1] & 0x7F in _FUTEX_WAITS and arguments[3] != 0


_X86_64 = {
    35: _always, 230: _always,  # nanosleep, clock_nanosleep
    7: _milliseconds(2), 271: _pointer(2),  # poll, ppoll
    23: _pointer(4), 270: _pointer(4),  # select, pselect6
    232: _milliseconds(3), 281: _milliseconds(3), 441: _pointer(3),  # epoll_wait, epoll_pwait, epoll_pwait2
    202: _futex, 128: _pointer(2), 220: _pointer(3),  # futex, rt_sigtimedwait, semtimedop
}  # fmt: skip
_AARCH64 = {
    101: _always, 115: _always, 73: _pointer(2), 72: _pointer(4), 22: _milliseconds(3), 441: _pointer(3), 98: _futex,
    137: _pointer(2), 192: _pointer(3),
}  # fmt: skip
_MACHINES = {"x86_64": (_X86_64, 0), "aarch64": (_AARCH64, 63)}
_TIMED, _READ = _MACHINES.get(platform.machine(), ({}, -1))


def will_move(pids: Iterable[int]) -> str:
    """Return why some thread of these processes will go on without anybody else's doing; "" if none will."""
    for pid in pids:
        if _catches_alarm(pid):
            return f"a handler for a timer in {pid}/{pid}"
        for tid in procfs.tids(pid):
            reason = _reason(procfs.read_bytes(f"/proc/{pid}/task/{tid}/syscall"))
            if reason:
                return f"{reason} in {pid}/{tid}"
    return ""


def _catches_alarm(pid: int) -> bool:
    """Has it a handler for the signal of a timer? Whether the timer runs cannot be seen from outside."""
    lines = procfs.read_bytes(f"/proc/{pid}/status").splitlines()
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith(b"SigCgt:")), 0)
    return any(caught >> (number - 1) & 1 for number in (SIGALRM, SIGVTALRM, SIGPROF))


def _reason(line: bytes) -> str:
    """Say what a thread that is blocked like this will be woken by."""
    words = line.split()
    if len(words) < 7:  # running, or not ours to look at
        return "running" if words[:1] == [b"running"] else ""
    number, arguments = int(words[0]), [int(word, 16) for word in words[1:7]]
    if number == _READ and arguments[0] == 0:
        return "reading stdin"
    timed = _TIMED.get(number)
    return "a timeout" if timed is not None and timed(arguments) else ""
