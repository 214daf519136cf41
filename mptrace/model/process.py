"""A process of the job, its threads, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mptrace.model.moment import Hold
    from mptrace.model.resource import Resource
    from mptrace.model.site import Site


UNSEEN = "it left no recording, and ended before it was seen from outside"
"""Why a process is not traced of which only its parent tells."""


class Role(str, Enum):
    """What a process is for."""

    MAIN = "main"
    CHILD = "child"
    WORKER = "pool worker"
    EXECUTOR_WORKER = "executor worker"
    MANAGER = "manager server"
    FORKSERVER = "forkserver"
    TRACKER = "resource tracker"
    PROGRAM = "program"
    """Started by subprocess, os.fork, a shell, ...: not by multiprocessing."""

    @property
    def is_service(self) -> bool:
        """Is it part of multiprocessing itself, and never does anything of its own accord?"""
        return self in (Role.FORKSERVER, Role.TRACKER)


class ThreadRole(str, Enum):
    """What a thread is for; the service threads of the library wake nobody of their own accord."""

    MAIN = "main"
    USER = "user"
    FEEDER = "queue feeder"
    POOL_WORKERS = "pool worker handler"
    POOL_TASKS = "pool task handler"
    POOL_RESULTS = "pool result handler"
    EXECUTOR_MANAGER = "executor manager"
    MANAGER_SERVER = "manager server"
    RESOURCE_SHARER = "resource sharer"

    @property
    def is_service(self) -> bool:
        """Does it run code of the library only?"""
        return self not in (ThreadRole.MAIN, ThreadRole.USER)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: ``code`` (None if a signal or unknown), ``signal`` number, who caused it.

    ``by``: "" unknown or by itself, "outside" for a signal that nobody inside the job sent, else the name of the process that
    did; ``by_site`` the line of the kill, terminate, os._exit or sys.exit. ``at_ns``: CLOCK_MONOTONIC, None if unknown.
    ``seen_by``: who told us (``observer``, ``parent``, ``itself``).
    """

    code: int | None = None
    signal: int | None = None
    by: str = ""
    by_site: Site | None = None
    call: str = ""
    at_ns: int | None = None
    seen_by: str = ""

    @property
    def known(self) -> bool:
        """Do we know how it ended?"""
        return self.code is not None or self.signal is not None

    @property
    def clean(self) -> bool:
        """Did it end with status 0?"""
        return self.code == 0 and self.signal is None


@dataclass(slots=True, eq=False)
class Thread:
    """A thread of a process; ``tid`` is the kernel's number. ``serves``: the queue, pool or executor of a service thread."""

    process: Process
    tid: int
    name: str = ""
    role: ThreadRole = ThreadRole.USER
    serves: Resource | None = None
    ended: bool = False
    runs_python: bool = True
    """False for a thread that was only seen from outside: perhaps one of a native library."""

    def __repr__(self) -> str:
        return f"<{self.process.name}/{self.name or self.tid}>"


@dataclass(slots=True, eq=False)
class Tally:
    """Messages that a process sent and received through one connection; ``readable``, ``writable``: what that end can do."""

    resource: Resource
    sent: int = 0
    received: int = 0
    readable: bool = False
    writable: bool = False


@dataclass(slots=True, eq=False)
class Past:
    """A recent ordinary event: a long wait that ended (``kind`` of wire/wait.py, ``site``), or a task (``kind`` 0, ``number``).

    ``at_ns`` is when it ended; a task that has only begun has ``since_ns`` None and no end.
    """

    tid: int
    at_ns: int
    kind: int
    resource: Resource | None
    since_ns: int | None = None
    site: Site | None = None
    number: int = 0
    text: str = ""
    returned: bool = False


@dataclass(slots=True, eq=False)
class Process:
    """One incarnation of a process of the job. Times: CLOCK_MONOTONIC ns. ``id`` is ``p1`` for the main process, and so on.

    ``exit`` is None while it runs (or ran when the recording ends); ``traced`` says whether the agent recorded in it.
    """

    id: str
    pid: int
    ppid: int = 0
    name: str = ""
    role: Role = Role.CHILD
    parent: Process | None = None
    children: list[Process] = field(default_factory=list)
    start_method: str = ""
    started_ns: int = 0
    ended_ns: int | None = None
    exit: Exit | None = None
    traced: bool = True
    why_untraced: str = ""
    command: str = ""
    daemon: bool = False
    target: str = ""
    target_site: Site | None = None
    start_site: Site | None = None
    pool: Resource | None = None
    threads: list[Thread] = field(default_factory=list)
    orderly: bool = False
    """Its exit handlers, or Process._bootstrap, ran to their end."""
    python: str = ""
    forked_from: Process | None = None
    """Whose memory it began with a copy of (a forkserver's child: the forkserver); None for spawn and exec."""
    became: Process | None = None
    """The next incarnation of this pid, after an exec."""
    last_words: list[str] = field(default_factory=list)
    """What faulthandler wrote when it died of a fatal signal."""
    fatal_error: str = ""
    """What the last words call it (``Segmentation fault``)."""
    fatal_stack: tuple[Site, ...] = ()
    """The Python stack of the thread that died, innermost first."""
    tallies: list[Tally] = field(default_factory=list)
    busy_ns: int = 0
    """How long tasks of a pool or executor ran in it, in all."""
    last_takes: dict[Resource, Site] = field(default_factory=dict)
    """Where it was last noted to take a lock; of one that is taken very often, where it took it earlier."""
    past: list[Past] = field(default_factory=list)
    """The last ordinary events before it ended, or before the recording does; by time."""
    held: list[Hold] = field(default_factory=list)
    """Locks that it held when it was cut off."""
    lost: dict[str, int] = field(default_factory=dict)
    """What it could not record, by what: records, threads, locks, connections, tasks."""
    probes_off: list[str] = field(default_factory=list)
    """Probes that failed and were switched off, with the error."""

    handlers: dict[int, str] = field(default_factory=dict)
    """Signal -> name of the program's handler for it, of those that may wake somebody."""

    timers: dict[int, int | None] = field(default_factory=dict)
    """Signal of a timer -> until when it may come, None: for ever; of those that were seen being set, or whose handler was."""

    @property
    def alive(self) -> bool:
        """Had it not ended when the recording ends?"""
        return self.exit is None and self.ended_ns is None

    def alive_at(self, at_ns: int) -> bool:
        """Was it running at this instant?"""
        return self.started_ns <= at_ns and (self.ended_ns is None or self.ended_ns > at_ns)

    def timer_may_run(self, signal: int, at_ns: int) -> bool:
        """May this timer still send its signal, as far as is known?"""
        until_ns = self.timers.get(signal) if signal in self.timers else None
        return until_ns is None or until_ns > at_ns

    @property
    def main_thread(self) -> Thread | None:
        """Its main thread, if it is known."""
        return next((thread for thread in self.threads if thread.role is ThreadRole.MAIN), None)

    def __repr__(self) -> str:
        return f"<{self.id} {self.name} {self.pid}>"
