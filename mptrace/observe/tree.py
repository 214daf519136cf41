"""The processes of the job: every descendant of ours, found by the kernel's lists of children and by the files they leave."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from mptrace.observe import own_children, procfs
from mptrace.observe.exits import UNKNOWN, ended_status, open_pidfd
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.reach import OTHER, why_untraced
from mptrace.observe.rest import Rest, RestOfAll
from mptrace.wire.events import observations as seen

UNMARKED_AFTER_S = 0.4
"""A Python that has left no mark by then, or has become another program, will not: ask why."""

ZOMBIES = 10_000
"""So many ended processes are remembered."""


@dataclass(slots=True, eq=False)
class Watched:
    """A process of the job; ``pidfd`` is -1 where there is none; ``marked``: the agent booted in it."""

    pid: int
    start: int
    ppid: int
    pidfd: int
    first_seen: float
    command: str = ""
    marked: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended, with its status (-N: signal N)."""

    watched: Watched
    status: int


class Tree:
    """Knows the living processes of the job; writes SEEN and EXITED. Used by one thread; others read `pids`."""

    def __init__(self, log: ObserverLog, run_path: str) -> None:
        self._log, self._run_path = log, run_path
        self.living: dict[int, Watched] = {}
        self._children: dict[int, list[int]] = {}
        self._rest, self._all, self._own = Rest(), RestOfAll(), list[int]()
        self._unasked: list[Watched] = []
        self._ended: dict[int, int] = {}  # pid -> start: a zombie that its parent does not reap is not seen again

    def pids(self) -> list[int]:
        """Return the living processes, oldest first."""
        return list(self.living)

    def mark(self, pid: int) -> Watched | None:
        """The agent has booted in this process; return it if it is new to us."""
        fresh = self.notice(pid)
        watched = self.living.get(pid)
        if watched is not None:
            watched.marked = True
        return fresh

    def notice(self, pid: int) -> Watched | None:
        """Begin to watch a process; None if it is known already, or gone without a trace."""
        if pid in self.living:
            return None
        pidfd = open_pidfd(pid)
        stat = procfs.stat(pid)
        if stat is None or self._ended.get(pid) == stat.start:
            if pidfd >= 0:
                os.close(pidfd)
            return None
        watched = Watched(pid, stat.start, stat.ppid, pidfd, time.monotonic(), _command(pid) or f"({stat.comm})")
        self.living[pid] = watched
        if why_untraced(pid, self._run_path).startswith(OTHER):  # it may be gone when it is asked again
            self._ask(watched)
        else:
            self._unasked.append(watched)
            self._write_seen(watched, "")
        return watched

    def _write_seen(self, watched: Watched, why: str) -> None:
        executable = procfs.executable(watched.pid)
        self._log.write(seen.SEEN, watched.pid, watched.ppid, watched.start, watched.command, executable, why)

    def scan(self) -> list[Watched]:
        """Walk the tree from us downwards; return the processes that are new."""
        with own_children.lock:
            todo = [pid for pid in procfs.children(os.getpid()) if pid not in own_children.pids]
        fresh = []
        if self._all.have_run(self.living) or todo != self._own:  # else nobody can have started anything
            self._own, fresh = list(todo), self._walk(todo)
        self._ask_why()
        return fresh

    def _walk(self, todo: list[int]) -> list[Watched]:
        fresh = []
        while todo:
            pid = todo.pop()
            new = self.notice(pid)
            if new is not None:
                fresh.append(new)
            todo += self._children_of(pid)
        return fresh

    def _children_of(self, pid: int) -> list[int]:
        """Return its children, as they were while it has not run: only it can have more of them."""
        if self._rest.has_run(pid) or pid not in self._children:
            self._children[pid] = procfs.children(pid)
        return self._children[pid]

    def _ask_why(self) -> None:
        """Of processes that have left no mark in good time, write down why; a second SEEN of the same process replaces the first."""
        now = time.monotonic()
        late = [watched for watched in self._unasked if now - watched.first_seen > UNMARKED_AFTER_S]
        self._unasked = [watched for watched in self._unasked if now - watched.first_seen <= UNMARKED_AFTER_S]
        for watched in late:
            self._ask(watched)

    def _ask(self, watched: Watched) -> None:
        if watched.marked or watched.asked:
            return
        watched.asked = True
        why = why_untraced(watched.pid, self._run_path)
        if why:
            watched.command = _command(watched.pid) or watched.command
            self._write_seen(watched, why)

    def vanished(self) -> list[Watched]:
        """Return processes without a pidfd that are gone; the others report themselves."""
        blind = [watched for watched in self.living.values() if watched.pidfd < 0]
        return [watched for watched in blind if _is_gone(watched)]

    def end(self, watched: Watched) -> Ended:
        """A process has ended: note how, and forget it."""
        at_ns = time.monotonic_ns()
        status, how, core = ended_status(watched.pid, watched.pidfd)
        self._log.write(seen.EXITED, watched.pid, status, how or "nobody", int(core), at_ns=at_ns)
        self.living.pop(watched.pid, None)
        self._children.pop(watched.pid, None)
        self._rest.forget(watched.pid)
        self._remember(watched)
        if watched.pidfd >= 0:
            os.close(watched.pidfd)
        return Ended(watched, status)

    def _remember(self, watched: Watched) -> None:
        self._ended[watched.pid] = watched.start
        while len(self._ended) > ZOMBIES:
            del self._ended[next(iter(self._ended))]


def _command(pid: int) -> str:
    return " ".join(procfs.command(pid))[:2000]


def _is_gone(watched: Watched) -> bool:
    """Ask without a descriptor first: where we have none left, a process that cannot be read is not gone."""
    if not os.path.exists(f"/proc/{watched.pid}"):
        return True
    stat = procfs.stat(watched.pid)
    return stat is not None and (stat.start != watched.start or stat.state in "ZX")


__all__ = ["UNKNOWN", "Ended", "Tree", "Watched"]
