"""What a run directory says, as read: no meaning yet, nothing merged; `mptrace.model.build` makes a Run of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mptrace.collect.records import Log
from mptrace.wire import layout, rundir


@dataclass(frozen=True, slots=True)
class Slot:
    """A wait or an intent of a board entry; ``key`` is unsigned, ``timeout_ns`` None for a wait for ever."""

    kind: int
    family: int
    flags: int
    key: int
    since_ns: int
    timeout_ns: int | None
    site: int
    detail: int
    stack: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A thread's entry on the board; ``moving``: it changed each time it was read, so the thread runs."""

    ident: int
    tid: int
    ended: bool
    wait: Slot | None = None
    intent: Slot | None = None
    moving: bool = False


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A held cell in use: the lock ``key``, and who holds it: ``ident``, 0 if nobody. ``since_ns``, ``site``: 0 if not noted."""

    ident: int
    key: int
    since_ns: int
    site: int

    @property
    def given_away_ns(self) -> int | None:
        """When this process released the lock without holding it (a lock used as a signal); None if it did not."""
        return self.since_ns if not self.ident and self.site & layout.FOREIGN else None


@dataclass(frozen=True, slots=True)
class TallyCell:
    """Messages through one connection of this process."""

    key: int
    sent: int
    received: int
    ends: int


@dataclass(frozen=True, slots=True)
class DoingCell:
    """A task that a thread runs."""

    tid: int
    key: int
    number: int
    since_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class RingRecord:
    """A recent ordinary event: an ``R_`` kind of wire/layout.py and four numbers."""

    seq: int
    at_ns: int
    kind: int
    tid: int
    numbers: tuple[int, int, int, int]


@dataclass(slots=True)
class Head:
    """A recorder file up to its log: header words, board, held cells, tallies, tasks, ring."""

    header: tuple[int, ...] = (0,) * 64
    entries: list[Entry] = field(default_factory=list)
    locks: list[HeldLock] = field(default_factory=list)
    tallies: list[TallyCell] = field(default_factory=list)
    doings: list[DoingCell] = field(default_factory=list)
    ring: list[RingRecord] = field(default_factory=list)

    @property
    def flags(self) -> int:
        """The bits of H_FLAGS."""
        return self.header[layout.H_FLAGS]

    @property
    def ended_ns(self) -> int:
        """When the exit handlers had run; 0: they did not."""
        return self.header[layout.H_ENDED]


@dataclass(slots=True)
class ProcessFile:
    """What one incarnation of a process recorded; ``head`` is None if its header was never finished, or is not ours."""

    name: str
    pid: int
    opened_ns: int
    head: Head | None = None
    log: Log = field(default_factory=Log)
    last_words: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    """Sentences about what is wrong with its files."""
    begun: bool = True
    """Is there anything in it? Whoever is killed while it makes its file leaves it empty."""


@dataclass(slots=True)
class MomentFiles:
    """The heads of all processes at one instant of a hang: (pid, opened) -> head."""

    number: int
    heads: dict[tuple[int, int], Head] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Recording:
    """A run directory as read. ``seen``: (pid, opened ns) of the marks that a booted agent leaves, and of dropped recordings.

    ``dropped``: of those, the tallies.
    """

    path: str
    meta: dict[str, object] = field(default_factory=dict)
    observer: Log | None = None
    processes: list[ProcessFile] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    dropped: dict[tuple[int, int], list[TallyCell]] = field(default_factory=dict)
    moments: list[MomentFiles] = field(default_factory=list)
    sources: dict[str, list[str]] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


META_NAMES = (rundir.META, rundir.OBSERVER, rundir.PROCESSES)
"""At least one of these is in every run directory."""
