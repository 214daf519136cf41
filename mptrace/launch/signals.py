"""Signals to the launcher: taken from a descriptor, so that no handler ever runs; each is passed on once, or was not ours to pass on.

A terminal sends its signals to the whole foreground group, so the job has those already (the kernel is their sender). The same
holds for `timeout`, which signals its whole group, and for a shell that hangs up. Who sends a signal to a whole group by other
means (``kill -- -PGID``) makes the job get it twice: nothing tells such a signal from one that was meant for us alone.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from struct import Struct

from mptrace.observe import libc, procfs

PASSED_ON = frozenset(
    number
    for number in (
        signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
        signal.SIGVTALRM, signal.SIGPROF, signal.SIGTSTP, signal.SIGWINCH, signal.SIGIO, signal.SIGPWR, signal.SIGCONT,
        *range(signal.SIGRTMIN, signal.SIGRTMAX + 1),
    )
)  # fmt: skip
ENDING = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT})

_SI_KERNEL = 0x80
_INFO = Struct("<IiiI")  # struct signalfd_siginfo: signo, errno, code, pid, ... 128 bytes in all
_INFO_SIZE = 128


@dataclass(frozen=True, slots=True)
class Taken:
    """A signal that the launcher got; ``sender`` 0: the kernel (a key of the terminal, a hangup)."""

    number: int
    sender: int


class Signals:
    """Blocks the signals from `__init__` on; ``before`` is the mask that the job must get."""

    def __init__(self) -> None:
        ignored = {number for number in PASSED_ON if signal.getsignal(number) == signal.SIG_IGN}
        self.watched = {int(number) for number in PASSED_ON - ignored} | {int(signal.SIGCHLD)}
        self.before = signal.pthread_sigmask(signal.SIG_BLOCK, self.watched)
        try:
            self.descriptor = libc.signal_descriptor(self.watched)
        except OSError:  # `take` polls then
            self.descriptor = -1

    def take(self) -> list[Taken]:
        """Return the signals that have come in, SIGCHLD too."""
        return self._read() if self.descriptor >= 0 else self._poll()

    def let_interrupts_in(self) -> None:
        """The job has ended: Ctrl-C is ours again, and what came before is forgotten; a hangup still must not stop the report."""
        self.take()
        if signal.SIGINT in self.watched and signal.SIGINT not in self.before:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _read(self) -> list[Taken]:
        try:
            data = os.read(self.descriptor, _INFO_SIZE * 16)
        except BlockingIOError:
            return []
        infos = (_INFO.unpack_from(data, at) for at in range(0, len(data), _INFO_SIZE))
        return [_taken(number, code, pid) for number, _, code, pid in infos]

    def _poll(self) -> list[Taken]:
        found = []
        while (info := signal.sigtimedwait(self.watched, 0)) is not None:
            found.append(_taken(info.si_signo, info.si_code, info.si_pid))
        return found


def _taken(number: int, code: int, pid: int) -> Taken:
    return Taken(number, 0 if code == _SI_KERNEL else pid)


def has_reached_job(taken: Taken) -> bool:
    """Did the job get this signal from the same sender, as a member of our process group?"""
    if taken.sender == 0:  # a hangup goes to the leader of the session only: without us, that would be the job
        return not (taken.number == signal.SIGHUP and os.getsid(0) == os.getpid())
    if taken.number == signal.SIGHUP:
        return taken.sender == os.getsid(0)
    if taken.sender != os.getpgrp():
        return False
    words = procfs.command(taken.sender)
    is_timeout = bool(words) and os.path.basename(words[0]) == "timeout"
    return is_timeout and not {"-f", "--foreground"} & set(words)
