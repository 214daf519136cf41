"""The launcher's loop at its least: signals are passed on, and the end of the job is noticed."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

from mptrace.launch import child
from mptrace.launch.signals import ENDING, Signals, Taken, has_reached_job
from mptrace.observe import procfs
from mptrace.observe.exits import UNKNOWN

LOOK_EVERY_S = 0.25
"""How long the loop may sleep where signals have no descriptor."""


class Watch:
    """Watches one job until its first process has ended; blocks in epoll until something is due."""

    def __init__(self, signals: Signals, main: int) -> None:
        self.main = main
        self.ended_by = ""
        self.running = True
        self.status = UNKNOWN
        self.signals = signals
        try:
            self.poll = select.epoll()
        except OSError:  # no descriptor is left: give up the signals' own, and look at them now and then
            os.close(signals.descriptor)
            signals.descriptor = -1
            self.poll = select.epoll()
        if signals.descriptor >= 0:
            self.poll.register(signals.descriptor, select.EPOLLIN)

    def until_end(self) -> tuple[int, str]:
        """Watch; return the job's exit status (-N: signal N) and what ended it ("" if it ended by itself)."""
        self.child_changed()  # it may have ended before anybody listened
        while self.running:
            self.step()
        return self.status, self.ended_by

    def step(self) -> None:
        """Wait for the next thing to do, and do it."""
        for descriptor, _ in self.poll.poll(max(self.due() - time.monotonic(), 0.001)):
            self.serve(descriptor)
        for taken in self.signals.take():
            if taken.number == signal.SIGCHLD:
                self.child_changed()
            else:
                self.pass_on(taken)
        if self.signals.descriptor < 0:
            self.child_changed()

    def due(self) -> float:
        """Return when the loop must wake up at the latest."""
        return time.monotonic() + (LOOK_EVERY_S if self.signals.descriptor < 0 else 60.0)

    def serve(self, descriptor: int) -> None:
        """A descriptor is readable; the signals' own is read in any case."""

    def child_changed(self) -> None:
        """Our child may have ended, or stopped: then so do we, and go on together."""
        self.follow_stop()
        try:
            info = os.waitid(os.P_PID, self.main, os.WEXITED | os.WNOHANG)
        except ChildProcessError:  # somebody has reaped it: its status is lost
            self.running = False
            return
        if info is not None:
            self.running, self.status = False, child.status_of(info)

    def follow_stop(self) -> None:
        """Ctrl-Z: the shell sees us stop, and `fg` continues us; the job may have to be told."""
        if not child.stopped_by(self.main):
            return
        os.kill(os.getpid(), signal.SIGSTOP)
        stat = procfs.stat(self.main)
        if stat is not None and stat.state == "T":
            self.send(signal.SIGCONT)

    def pass_on(self, taken: Taken) -> None:
        """Give the job a signal that only we have got."""
        if taken.number in ENDING:
            self.ended_by = "Ctrl-C" if taken.number == signal.SIGINT else signal.Signals(taken.number).name
        if not has_reached_job(taken):
            self.send(taken.number)

    def send(self, number: int) -> None:
        """Send the job's first process a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.main, number)
