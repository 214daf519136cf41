"""The launcher's loop in full: besides signals, ends of processes, new processes and samples of memory."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections import deque
from typing import Any

from mptrace.launch.signals import Signals, Taken
from mptrace.launch.watch import Watch
from mptrace.observe import memory
from mptrace.observe.cgroup import oom_state
from mptrace.observe.copies import Copies
from mptrace.observe.effort import Effort
from mptrace.observe.exits import UNKNOWN
from mptrace.observe.marks import Marks
from mptrace.observe.memory import Memory
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.tree import Tree, Watched
from mptrace.wire.events import observations as seen

SCAN_EVERY_S = 0.25
SHARE = 300
"""Walking the tree and sampling may take this part of our time: with many processes it is done less often."""

MARKS_REST_S = 0.02
MARKS_A_SECOND = 40
"""A job that starts processes without end is followed in batches."""

GRACE_S = 3.0
"""How long a job that hangs has to end after SIGTERM."""

SEE_OFF_S = 0.12
FAILURES = 20
"""After so many failures of ours we only pass signals on."""


class JobWatch(Watch):
    """Watches a job and all its processes, and writes down what it sees. Raises nothing once it is made."""

    def __init__(self, signals: Signals, main: int, log: ObserverLog, run_path: str, own_log: Any) -> None:
        super().__init__(signals, main)
        self.log, self.own_log = log, own_log
        self.tree = Tree(log, run_path)
        self.killed_for_hang = False
        self.ended_well: deque[int] = deque()
        self._by_pidfd: dict[int, Watched] = {}
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.poll.register(self._wake, select.EPOLLIN)
        self._marks = Marks(run_path)
        if self._marks.descriptor >= 0:
            self.poll.register(self._marks.descriptor, select.EPOLLIN | select.EPOLLONESHOT)
        self._memory, self._effort, self._copies = Memory(log), Effort(log), Copies(log)
        self._scan_at = self._sample_at = self._marks_at = 0.0
        self._marks_due = True
        self._takes, self._takes_since = 0, 0.0
        self._kill_at = float("inf")
        self._failures = 0

    def kill_for_hang(self) -> None:
        """Ask the loop to end the job: SIGTERM, then SIGKILL for everything that is left; to be called from another thread."""
        os.eventfd_write(self._wake, 1)

    def until_end(self) -> tuple[int, str]:
        """Watch; return the job's exit status (-N: signal N) and what ended it ("" if it ended by itself)."""
        while self.running:
            try:
                self.step()
                self._do_what_is_due()
            except Exception:
                self.own_log.error("watch", exc_info=True)
                self._failures += 1
                if self._failures > FAILURES:
                    return Watch(self.signals, self.main).until_end()
        with contextlib.suppress(OSError):
            if self.killed_for_hang:
                self._kill_all()
            else:
                self._see_off()
        return self.status, "--on-hang kill" if self.killed_for_hang else self.ended_by

    def due(self) -> float:
        """Return when the next look is due."""
        return min(self._scan_at, self._sample_at, self._kill_at, self._marks_at if self._marks_due else float("inf"))

    def serve(self, descriptor: int) -> None:
        """A process has ended, one has begun to record, or the job is to be ended."""
        watched = self._by_pidfd.get(descriptor)
        if watched is not None:
            self._end(watched)
        elif descriptor == self._wake:
            os.eventfd_read(self._wake)
            if self.running:  # else it has ended by itself meanwhile
                self.killed_for_hang, self._kill_at = True, time.monotonic() + GRACE_S
                self.send(signal.SIGTERM)
        elif descriptor == self._marks.descriptor:
            self._marks_due = True

    def child_changed(self) -> None:
        """Our child has stopped, or an orphan has come to us and ended."""
        self.follow_stop()
        self._scan_at = 0.0

    def _end_unwatched_main(self) -> None:
        """Where no descriptor is left for the job's first process, ask for its end by its pid."""
        super().child_changed()
        if not self.running:
            self.log.write(seen.EXITED, self.main, self.status, "launcher", 0)

    def pass_on(self, taken: Taken) -> None:
        """Note the signal, and pass it on."""
        self.log.write(seen.SIGNAL, taken.number, taken.sender)
        super().pass_on(taken)

    def left(self) -> str:
        """Return what the job left running, as a text of pids and commands."""
        return ", ".join(f"{watched.pid} {watched.command[:60]}" for watched in list(self.tree.living.values())[:20])

    def _add(self, watched: Watched | None) -> None:
        if watched is not None and watched.pidfd >= 0:
            self._by_pidfd[watched.pidfd] = watched
            with contextlib.suppress(OSError):  # the system's limit on watches: `vanished` finds it gone
                self.poll.register(watched.pidfd, select.EPOLLIN)

    def _end(self, watched: Watched) -> None:
        if watched.pid != self.main:
            self._take_marks()  # a process that began and ended between two looks was there all the same
        with contextlib.suppress(OSError, KeyError):
            del self._by_pidfd[watched.pidfd]
            self.poll.unregister(watched.pidfd)
        self._effort.end(watched.pid)
        ended = self.tree.end(watched)
        self._memory.forget(watched.pid)
        self._copies.forget(watched.pid)
        if ended.status in (0, UNKNOWN):  # of one that nobody saw end, its recording tells
            self.ended_well.append(watched.pid)
        if ended.status == -signal.SIGKILL:
            self._note_oom()
        elif ended.status == -signal.SIGBUS:
            self._memory.note_shm(watched.pid, self.main)
        if watched.pid == self.main:
            self.running, self.status = False, ended.status
            if ended.status == UNKNOWN:
                super().child_changed()

    def _note_oom(self) -> None:
        state = oom_state(os.getpid())
        if state is not None:
            self.log.write(seen.OOM, state.kills, state.limit, state.usage, state.cgroup)

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        if self._marks_due and now >= self._marks_at:
            self._take_marks()
        if now >= self._scan_at:
            self._scan()
        if now >= self._sample_at:
            spent = time.thread_time()  # not the clock's: on a busy machine a look takes long and costs little
            self._sample(self.tree.pids())
            self._sample_at = time.monotonic() + max(memory.EVERY_S, SHARE * (time.thread_time() - spent))
        if now >= self._kill_at:
            self._kill_at = float("inf")
            self.send(signal.SIGKILL)

    def _sample(self, pids: list[int]) -> None:
        self._memory.sample(pids)
        self._effort.sample(pids)
        self._copies.sample(pids)

    def _take_marks(self) -> None:
        for pid in self._marks.take():
            self._add(self.tree.mark(pid))
            if pid not in self.tree.living:  # it has begun and ended since we looked last
                self.ended_well.append(pid)
        self._marks_at, self._marks_due = time.monotonic() + self._marks_rest_s(), self._marks.descriptor < 0
        if self._marks.descriptor >= 0:
            self.poll.modify(self._marks.descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def _marks_rest_s(self) -> float:
        """Look at once while few processes start; in batches while many do."""
        now = time.monotonic()
        if now - self._takes_since > 1:
            self._takes, self._takes_since = 0, now
        self._takes += 1
        return MARKS_REST_S if self._takes > MARKS_A_SECOND else 0.0

    def _scan(self) -> None:
        spent = time.thread_time()
        self._add(self.tree.notice(self.main))
        for watched in self.tree.scan():
            self._add(watched)
        for watched in self.tree.vanished():
            self._end(watched)
        if self.running and self.main not in self.tree.living:
            self._end_unwatched_main()
        self._scan_at = time.monotonic() + max(SCAN_EVERY_S, SHARE * (time.thread_time() - spent))

    def _see_off(self) -> None:
        """Give multiprocessing's own helpers, which end with the job, a moment to do so; others live on."""
        until = time.monotonic() + SEE_OFF_S
        while self.tree.living and time.monotonic() < until:
            for descriptor, _ in self.poll.poll(SEE_OFF_S / 4):
                self.serve(descriptor)

    def _kill_all(self) -> None:
        """SIGKILL for everything that is left of a job that hung, until there is nothing."""
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until:
            self._scan()
            if not self.tree.living:
                return
            for watched in list(self.tree.living.values()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(watched.pid, signal.SIGKILL)
            for descriptor, _ in self.poll.poll(0.1):
                self.serve(descriptor)
