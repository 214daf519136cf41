"""The launcher's loop: signals, ends of processes, new processes, samples of memory; blocks in epoll until one of them is due."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

from mptrace.launch import child
from mptrace.launch.signals import ENDING, Signals, Taken, has_reached_job
from mptrace.observe import memory, procfs
from mptrace.observe.cgroup import oom_state
from mptrace.observe.marks import Marks
from mptrace.observe.memory import Memory
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.tree import UNKNOWN, Tree, Watched
from mptrace.wire.events import observations as seen

SCAN_EVERY_S = 0.25
SCAN_SHARE = 100
"""Walking the tree may take this part of our time: with many processes it is done less often."""

MARKS_REST_S = 0.02
MARKS_A_SECOND = 40
"""A job that starts processes without end is followed in batches."""

GRACE_S = 3.0
"""How long a job that hangs has to end after SIGTERM."""

SEE_OFF_S = 0.12


class Watch:
    """Watches one job until its first process has ended. Without ``log`` and ``tree`` it only passes signals on."""

    def __init__(
        self, signals: Signals, main: int, log: ObserverLog | None = None, tree: Tree | None = None, run_path: str = ""
    ) -> None:
        self.main, self.log, self.tree = main, log, tree
        self.ended_by = ""
        self.killed_for_hang = False
        self._signals = signals
        self._status = UNKNOWN
        self._running = True
        self._by_pidfd: dict[int, Watched] = {}
        self._poll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._marks = Marks(run_path) if run_path else None
        self._memory = Memory(log) if log else None
        self._scan_at = self._sample_at = self._marks_at = 0.0
        self._marks_due = True
        self._takes, self._takes_since = 0, 0.0
        self._kill_at: float | None = None
        self._register()

    def _register(self) -> None:
        for descriptor in (self._signals.descriptor, self._wake):
            if descriptor >= 0:
                self._poll.register(descriptor, select.EPOLLIN)
        if self._marks and self._marks.descriptor >= 0:
            self._poll.register(self._marks.descriptor, select.EPOLLIN | select.EPOLLONESHOT)
        if self.tree:
            self._add(self.tree.notice(self.main))

    def _add(self, watched: Watched | None) -> None:
        if watched is not None and watched.pidfd >= 0:
            self._by_pidfd[watched.pidfd] = watched
            with contextlib.suppress(OSError):  # the system's limit on watches: `scan` finds it gone
                self._poll.register(watched.pidfd, select.EPOLLIN)

    # -- from the other thread

    def kill_for_hang(self) -> None:
        """Ask the loop to end the job: SIGTERM, then SIGKILL for everything that is left; from any thread."""
        self.killed_for_hang = True
        os.eventfd_write(self._wake, 1)

    # -- the loop

    def until_end(self) -> tuple[int, str]:
        """Watch; return the job's exit status (-N: signal N) and what ended it ("" if it ended by itself)."""
        while self._running:
            for descriptor, _ in self._wait():
                self._serve(descriptor)
            self._take_signals()
            self._do_what_is_due()
        if self.killed_for_hang:
            self._kill_all()
        elif self.tree:
            self._see_off(self.tree)
        return self._status, "--on-hang kill" if self.killed_for_hang else self.ended_by

    def _wait(self) -> list[tuple[int, int]]:
        now = time.monotonic()
        due = [self._scan_at, self._sample_at] if self.tree else [now + SCAN_EVERY_S]
        if self._marks_due:
            due.append(self._marks_at)
        if self._kill_at is not None:
            due.append(self._kill_at)
        return self._poll.poll(max(min(due) - now, 0.001))

    def _serve(self, descriptor: int) -> None:
        watched = self._by_pidfd.get(descriptor)
        if watched is not None:
            self._end(watched)
        elif descriptor == self._wake:
            os.eventfd_read(self._wake)
            self._kill_at = time.monotonic() + GRACE_S
            self._send(signal.SIGTERM)
        elif self._marks and descriptor == self._marks.descriptor:
            self._marks_due = True

    def _end(self, watched: Watched) -> None:
        assert self.tree is not None
        self._take_marks()  # a process that began and ended between two looks was there all the same
        with contextlib.suppress(OSError, KeyError):
            del self._by_pidfd[watched.pidfd]
            self._poll.unregister(watched.pidfd)
        ended = self.tree.end(watched)
        if self._memory:
            self._memory.forget(watched.pid)
        if ended.status == -signal.SIGKILL and self.log:
            state = oom_state(os.getpid())
            if state is not None:
                self.log.write(seen.OOM, state.kills, state.limit, state.usage, state.cgroup)
        if watched.pid == self.main:
            self._running, self._status = False, ended.status if ended.status != UNKNOWN else self._reap_main()

    def _reap_main(self) -> int:
        info = os.waitid(os.P_PID, self.main, os.WEXITED)
        return child.status_of(info) if info else UNKNOWN

    def _take_signals(self) -> None:
        for taken in self._signals.take():
            if taken.number == signal.SIGCHLD:
                self._child_changed()
            else:
                self._pass_on(taken)

    def _child_changed(self) -> None:
        """Our child has stopped (then so do we, and go on together), or one has ended."""
        if child.stopped_by(self.main):
            os.kill(os.getpid(), signal.SIGSTOP)
            stat = procfs.stat(self.main)
            if stat is not None and stat.state == "T":
                self._send(signal.SIGCONT)
        if self.tree is None:
            info = os.waitid(os.P_PID, self.main, os.WEXITED | os.WNOHANG)
            if info is not None:
                self._running, self._status = False, child.status_of(info)
        else:
            self._scan_at = 0.0  # an orphan may have come to us and ended

    def _pass_on(self, taken: Taken) -> None:
        if taken.number in (signal.SIGCONT, signal.SIGWINCH) and taken.sender == 0:
            return
        if self.log:
            self.log.write(seen.SIGNAL, taken.number, taken.sender)
        if taken.number in ENDING:
            self.ended_by = "Ctrl-C" if taken.number == signal.SIGINT else signal.Signals(taken.number).name
        if not has_reached_job(taken):
            self._send(taken.number)

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.main, number)

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        if self.tree and self._marks_due and now >= self._marks_at:
            self._take_marks()
        if self.tree and now >= self._scan_at:
            self._scan()
        if self.tree and self._memory and now >= self._sample_at:
            self._memory.sample(self.tree.pids())
            self._sample_at = time.monotonic() + max(memory.EVERY_S, SCAN_SHARE * (time.monotonic() - now))
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            self._send(signal.SIGKILL)

    def _take_marks(self) -> None:
        assert self.tree is not None
        if self._marks is None:
            return
        for pid in self._marks.take():
            self._add(self.tree.mark(pid))
        self._marks_at, self._marks_due = time.monotonic() + self._marks_rest_s(), self._marks.descriptor < 0
        if self._marks.descriptor >= 0:
            self._poll.modify(self._marks.descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def _marks_rest_s(self) -> float:
        """Look at once while few processes start; in batches while many do."""
        now = time.monotonic()
        if now - self._takes_since > 1:
            self._takes, self._takes_since = 0, now
        self._takes += 1
        return MARKS_REST_S if self._takes > MARKS_A_SECOND else 0.0

    def _scan(self) -> None:
        assert self.tree is not None
        began = time.monotonic()
        for watched in self.tree.scan():
            self._add(watched)
        for watched in self.tree.vanished():
            self._end(watched)
        took = time.monotonic() - began
        self._scan_at = time.monotonic() + max(SCAN_EVERY_S, SCAN_SHARE * took)

    # -- the end

    def _see_off(self, tree: Tree) -> None:
        """Give multiprocessing's own helpers, which end with the job, a moment to do so; others live on."""
        until = time.monotonic() + SEE_OFF_S
        while tree.living and time.monotonic() < until:
            for descriptor, _ in self._poll.poll(SEE_OFF_S / 4):
                self._serve(descriptor)

    def left(self) -> str:
        """Return what the job left running, as a text of pids and commands."""
        if self.tree is None:
            return ""
        return ", ".join(f"{watched.pid} {watched.command[:60]}" for watched in list(self.tree.living.values())[:20])

    def _kill_all(self) -> None:
        """SIGKILL for everything that is left of a job that hung, until there is nothing."""
        assert self.tree is not None
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until:
            self._scan()
            if not self.tree.living:
                return
            for watched in list(self.tree.living.values()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(watched.pid, signal.SIGKILL)
            for descriptor, _ in self._poll.poll(0.1):
                self._serve(descriptor)
