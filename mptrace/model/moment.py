"""The job at one instant: what every thread waited for and held, and whether it had run since the look before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mptrace.model.process import Process, Thread
from mptrace.model.resource import Resource
from mptrace.model.site import Site
from mptrace.wire import wait as wire_wait

ATOMIC = 4092
"""Bytes of a message that are written to a pipe wholly, with their header of 4, or not at all (PIPE_BUF)."""


@dataclass(slots=True, eq=False)
class Wait:
    """A thread waits. ``kind``: a number of wire/wait.py; ``target``: the resource, process or thread that it waits for.

    ``site`` is the program's line, ``stack`` the frames from innermost outwards; ``intent``: the call of the program that led
    to this wait (Pool.map above connection.wait). ``ref`` cites the board (``p3:wait 4121``).
    """

    thread: Thread
    kind: int
    target: Resource | Process | Thread | None
    since_ns: int = 0
    timeout_ns: int | None = None
    site: Site | None = None
    stack: tuple[Site, ...] = ()
    detail: int = 0
    intent: Wait | None = None
    ref: str = ""
    stale_site: bool = False
    """Its site was noted on an earlier wait of the same thread, and no stack was looked at: likely, not certain."""
    method: str = ""
    """The method of the target that the program called, where it is another than the kind says: ``map``."""

    @property
    def timed(self) -> bool:
        """Does it end by itself?"""
        return self.timeout_ns is not None

    @property
    def mode(self) -> str:
        """How it can end: THIS, ANY or ALL of wire/wait.py."""
        return wire_wait.MODES.get(self.kind, wire_wait.ANY)

    @property
    def resource(self) -> Resource | None:
        """The target, if it is a resource."""
        return self.target if isinstance(self.target, Resource) else None

    @property
    def call(self) -> Wait:
        """The call of the program that this wait belongs to: its intent, else itself."""
        return self.intent or self

    def __repr__(self) -> str:
        return f"<{self.thread!r} {wire_wait.NAMES.get(self.kind)} {self.target!r}>"


@dataclass(slots=True, eq=False)
class Hold:
    """A thread holds a lock. ``since_ns`` and ``site`` are None for a lock that is taken too often to note each time.

    ``how``: of a lock of `threading`: ``owner`` (the lock says so), ``block`` (a frame of the thread is inside a with), ``text``.
    """

    thread: Thread
    resource: Resource
    since_ns: int | None = None
    site: Site | None = None
    ref: str = ""
    how: str = ""


@dataclass(slots=True, eq=False)
class Doing:
    """The task of a pool or executor that a worker's thread runs."""

    thread: Thread
    pool: Resource | None
    job: int
    index: int
    text: str
    since_ns: int


@dataclass(slots=True, eq=False)
class Look:
    """What the observer saw of one thread: state letter, whether it ran between the two looks of the moment, where it is."""

    thread: Thread
    state: str = ""
    still: bool | None = None
    """True: no context switch and no CPU between the two looks. None: there was only one look."""
    syscall: str = ""
    wchan: str = ""
    stack: tuple[Site, ...] = ()
    locals: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Native:
    """Where a thread blocks in native code; ``owner``: native id of the thread whose mutex it is, 0 if that is not known."""

    library: str
    function: str
    owner: int


@dataclass(slots=True, eq=False)
class Moment:
    """One instant, ``at_ns``. ``final``: not a look at a running job, but what the boards said when everything had ended.

    ``number`` 0 is the final one. ``exited``: processes that had ended by then.
    """

    number: int
    at_ns: int
    final: bool = False
    waits: list[Wait] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    doings: list[Doing] = field(default_factory=list)
    looks: dict[Thread, Look] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    """Those that were running at this instant (of the final moment: those that did not end in an orderly way).

    ``holds`` and ``doings`` may also be of processes that had ended before: a lock nobody let go, a task nobody finished.
    """
    queued: dict[Resource, int] = field(default_factory=dict)
    """Bytes that lay in a pipe, where that was looked at."""
    values: dict[Resource, int] = field(default_factory=dict)
    """Values of semaphores, where they were looked at."""
    readers: dict[Resource, set[Process]] = field(default_factory=dict)
    writers: dict[Resource, set[Process]] = field(default_factory=dict)
    """Who had which end of a pipe open, where all processes' descriptors were looked at; a pipe that is absent was not."""
    outsiders: dict[Resource, str] = field(default_factory=dict)
    """Pipes that a process outside of the job has an end of, too, and which program that is."""
    sockets: set[Resource] = field(default_factory=set)
    """Those of ``readers`` that are sockets: what is written at one end is read at its ``peer``."""
    caught: dict[Process, int] = field(default_factory=dict)
    """Signals that a process has handlers for, as a mask (bit 0: signal 1), where that was looked at."""
    ignored: dict[Process, int] = field(default_factory=dict)
    blocked: dict[Process, int] = field(default_factory=dict)
    """Likewise those that it ignores, and those that its main thread blocks."""
    cut_off: list[Wait] = field(default_factory=list)
    """Sends that their process was in the middle of when it ended, before this instant; ``detail``: bytes to send."""
    native: dict[Thread, Native] = field(default_factory=dict)
    """Threads that block in native code, where that was read from memory."""
    spinning: dict[Thread, Native] = field(default_factory=dict)
    """Threads that poll in native code for threads of its library, as two native stacks say."""
    running: set[Thread] = field(default_factory=set)
    """Threads whose board entry changed while it was read."""

    def wait_of(self, thread: Thread) -> Wait | None:
        """Return what a thread waits for."""
        return next((wait for wait in self.waits if wait.thread is thread), None)

    def waiters_for(self, target: Resource | Process | Thread) -> Iterator[Wait]:
        """Yield the waits for one target."""
        return (wait for wait in self.waits if wait.target is target)

    def holders_of(self, resource: Resource) -> list[Hold]:
        """Return who holds a lock (more than one only if a record contradicts another)."""
        return [hold for hold in self.holds if hold.resource is resource]

    def begun_message(self, wait: Wait) -> Wait | None:
        """Return the send of a process that has ended, the rest of whose message may be what an untimed receive waits for."""
        if wait.kind != wire_wait.RECV or wait.timed or wait.resource is None:
            return None
        ends = {wait.resource, wait.resource.peer}
        return next((send for send in self.cut_off if send.resource in ends and send.detail > ATOMIC), None)

    def still(self, thread: Thread) -> bool | None:
        """Did this thread stand still between two looks? None if there were not two."""
        look = self.looks.get(thread)
        return look.still if look else None
