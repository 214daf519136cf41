"""Everything that one attach has learnt, on its way from the job into the run directory."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from mptrace.attach.asking import Answer
from mptrace.attach.job import Job
from mptrace.attach.names import JobNames
from mptrace.attach.native_waits import NativeWait
from mptrace.attach.seen import Frame, SeenThread
from mptrace.wire import resource

YOUNG_NS = 2_000_000_000
"""A process of this age may still be starting, on a busy machine."""

_YOUNG = "it was only just starting"
_UNFINISHED = ("py-spy:", "its objects are not laid out", "the interpreter's symbols were not found")
"""What is said of a process without a finished interpreter in it."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource that was found in a process: ``kind`` is its class; ``part_of``: (family, key, role) of its owner."""

    pid: int
    family: int
    key: int
    kind: str = ""
    number: int = 0
    detail: str = ""
    part_of: tuple[int, int, str] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class SemaphoreCopy:
    """One process's view of a semaphore: the kernel's ``value``, its own SemLock object's ``count`` and last owner."""

    pid: int
    key: int
    value: int
    count: int
    ident: int
    maximum: int
    kind: int


@dataclass(frozen=True, slots=True)
class ThreadLock:
    """A lock of `threading` in one process; ``owner``: ident of its holder, 0 if the object does not say."""

    pid: int
    key: int
    owner: int
    locked: bool


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who has a lock of `threading`: a thread by ident and native id, 0 if there is no such thread any more.

    ``how`` it is known: see lock_holders.py; ``place``: the line that took it.
    """

    pid: int
    key: int
    ident: int
    tid: int
    how: str
    place: Frame | None = None


@dataclass(frozen=True, slots=True)
class LostLock:
    """A lock that is taken and that no living process counts as its own; ``unread``: processes that could not be asked."""

    key: int
    processes: int
    unread: int


@dataclass(frozen=True, slots=True)
class Birth:
    """A child as its parent's Process object knows it; ``status`` as Process.exitcode, None if unknown or alive."""

    parent: int
    pid: int
    name: str
    target: str
    daemon: bool
    start_method: str
    status: int | None
    ended: bool


@dataclass(frozen=True, slots=True)
class DeadThread:
    """A service thread whose Thread object is there and which is not; ``callback``: the function that probably raised in it."""

    pid: int
    inner_tid: int
    name: str
    role: str
    serves: int
    message: str = ""
    callback: Frame | None = None


@dataclass(frozen=True, slots=True)
class FailedCallback:
    """A result that is there and was never handed out, while nobody is in its callback: that raised a KeyError, which a pool swallows."""

    pid: int
    pool: int
    job: int
    callback: Frame
    witness: SeenThread
    """The thread that calls callbacks; if it ran in between, nothing is said."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """A pool that was closed or terminated, with so many jobs unfinished."""

    pid: int
    key: int
    call: str
    pending: int


@dataclass(frozen=True, slots=True)
class SeenTask:
    """What a worker is in the middle of."""

    pid: int
    pool: int
    job: int
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A call that was handed to a pool or executor and is not done."""

    pid: int
    pool: int
    job: int
    function: str


@dataclass(frozen=True, slots=True)
class Breakage:
    """An executor that has declared itself broken; ``ended``: (pid, status) of its workers, ``terminated``: those that it ended."""

    pid: int
    pool: int
    cause: str
    pending: int
    ended: tuple[tuple[int, int], ...]

    @property
    def terminated(self) -> tuple[int, ...]:
        """Return the workers that the executor ended, if there is one that ended in another way, by which it broke."""
        ordered = tuple(pid for pid, status in self.ended if status == -signal.SIGTERM)
        return ordered if len(ordered) < len(self.ended) else ()


@dataclass(frozen=True, slots=True)
class MadeExecutor:
    """How a ProcessPoolExecutor was made; ``max_tasks`` 0: its workers do as many as they get."""

    pid: int
    pool: int
    workers: int
    max_tasks: int
    start_method: str


@dataclass(frozen=True, slots=True)
class Starvation:
    """An executor that is not broken, has ``pending`` calls to do, and no worker; ``manager``: its thread, which stands still."""

    pid: int
    pool: int
    pending: int
    manager: SeenThread


@dataclass(frozen=True, slots=True)
class AskedToEnd:
    """Before it joins a child, a thread has sent it a signal: it still lies there (``pending``), or the program's text says so."""

    pid: int
    tid: int
    child: int
    signal: int
    how: str
    call: str = ""
    place: Frame | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A child that goes on without its parent."""

    pid: int
    parent: int


@dataclass(frozen=True, slots=True)
class LostTask:
    """A job of a pool in which everybody is idle; ``left``: how many parts of it have no result, -1 if not known."""

    pid: int
    key: int
    job: int
    left: int
    witnesses: tuple[SeenThread, ...] = ()
    """The threads that were found idle; if one of them ran in between, nothing is lost."""


@dataclass(frozen=True, slots=True)
class Respawns:
    """Workers of a pool that failed and were replaced while we watched: ``ended`` (pid, name, code) in the order of their ends.

    ``untaken``: all the while nobody took the task that is first in the pool's queue. ``initializer``: its name, "" if none.
    """

    pid: int
    key: int
    places: int
    ended: tuple[tuple[int, str, int], ...]
    untaken: bool
    initializer: str


@dataclass(slots=True, eq=False)
class Sight:
    """The job, and what was found out about it."""

    job: Job
    names: JobNames
    began_ns: int
    things: list[Thing] = field(default_factory=list)
    copies: list[SemaphoreCopy] = field(default_factory=list)
    thread_locks: list[ThreadLock] = field(default_factory=list)
    lock_holders: list[LockHolder] = field(default_factory=list)
    native_waits: list[NativeWait] = field(default_factory=list)
    lost_locks: list[LostLock] = field(default_factory=list)
    births: list[Birth] = field(default_factory=list)
    dead_threads: list[DeadThread] = field(default_factory=list)
    pool_states: list[PoolState] = field(default_factory=list)
    failed_callbacks: list[FailedCallback] = field(default_factory=list)
    gone_workers: list[str] = field(default_factory=list)
    """Names of pool workers that have been replaced ("" where that cannot be told)."""
    forgotten: int = 0
    """Children that were started, and of which their parents have no Process object any more."""
    lost_tasks: list[LostTask] = field(default_factory=list)
    respawns: list[Respawns] = field(default_factory=list)
    tasks: list[SeenTask] = field(default_factory=list)
    handed_in: list[HandedIn] = field(default_factory=list)
    breakages: list[Breakage] = field(default_factory=list)
    executors: list[MadeExecutor] = field(default_factory=list)
    starvations: list[Starvation] = field(default_factory=list)
    asked_to_end: list[AskedToEnd] = field(default_factory=list)
    orphans: dict[int, Orphan] = field(default_factory=dict)
    stepchildren: dict[int, int] = field(default_factory=dict)
    """Children whose parent is a zombie, and has left them to another: pid -> pid of that parent."""
    newcomers: list[int] = field(default_factory=list)
    """Processes that joined the job after everybody was looked at."""
    ownerless: set[int] = field(default_factory=set)
    """Inodes of semaphores that are mapped, and that no object of the first process that was searched belongs to."""
    named: set[tuple[int, int]] = field(default_factory=set)
    makers: dict[tuple[int, int], int] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    """What processes told of themselves, if they were asked."""
    not_seen: list[tuple[int, str, str]] = field(default_factory=list)
    """(pid, what, why)."""

    def miss(self, pid: int, what: str, why: str) -> None:
        """Note that something could not be looked at, once."""
        if (pid, what, why) not in self.not_seen:
            self.not_seen.append((pid, what, why))

    def excuse_the_young(self) -> None:
        """What could not be looked at in a process that was only just starting, or that is gone by now, is nothing to report."""
        told = [
            (pid, what, _YOUNG if why.startswith(_UNFINISHED) and self._is_young(pid) else why)
            for pid, what, why in self.not_seen
        ]
        self.not_seen = [one for one in dict.fromkeys(told) if one[0] == 0 or one[0] in self.job.processes]

    def _is_young(self, pid: int) -> bool:
        process = self.job.processes.get(pid)
        return process is not None and process.opened_ns > self.began_ns - YOUNG_NS

    def is_first(self, thing: Thing) -> bool:
        """Is this the first process of the job that a thing was found in?"""
        if thing.family == resource.MUTEX:  # private to its process: the same address is another lock elsewhere
            return True
        return self.makers.setdefault((thing.family, thing.key), thing.pid) == thing.pid
