"""What attach has seen of a job, before it is written down: processes, threads, frames, waits, held locks; plain facts."""

from __future__ import annotations

from dataclasses import dataclass, field

from mptrace.attach.address_space import AddressSpace
from mptrace.attach.descriptors import Descriptor
from mptrace.observe.procfs import Stat


@dataclass(frozen=True, slots=True)
class Local:
    """A local variable as py-spy shows it; ``address`` is that of the object, ``text`` is short."""

    name: str
    address: int
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One Python frame; ``function`` is qualified from 3.11 on."""

    file: str
    line: int
    function: str
    locals: tuple[Local, ...] = ()

    @property
    def is_library(self) -> bool:
        """Is it code of the standard library, by its path alone (the interpreter is another than ours)?"""
        if self.file.startswith("<frozen"):
            return True
        front, found, back = self.file.partition("/python3.")
        inside = bool(found) and front.rpartition("/")[2] in {"lib", "lib64"} and "/" in back
        return inside and "/site-packages/" not in back and "/dist-packages/" not in back

    @property
    def is_bootstrap(self) -> bool:
        """Is it where a child of multiprocessing begins?"""
        return self.function.endswith("_bootstrap") and self.file.endswith("multiprocessing/process.py")

    def local(self, name: str) -> int:
        """Return the address of the object that a local variable holds, 0 if there is none of that name."""
        return next((local.address for local in self.locals if local.name == name), 0)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one thread: state letter, context switches of both kinds, CPU time, system call as /proc words it."""

    state: str
    switches: int
    cpu_ticks: int
    syscall: str
    wchan: str


@dataclass(frozen=True, slots=True)
class SeenWait:
    """What a thread waits for, in the words of wire/wait.py and wire/resource.py; ``timeout_ns`` is what is left of it."""

    kind: int
    family: int
    key: int
    timeout_ns: int | None = None
    detail: int = 0
    descriptors: tuple[int, ...] = ()
    """Of a poll: every descriptor that is waited for."""


@dataclass(slots=True, eq=False)
class SeenThread:
    """A thread; ``tid`` in our pid namespace, ``inner_tid`` in its own. ``ident``: as threading calls it, 0 if not known."""

    tid: int
    inner_tid: int
    looks: list[Look] = field(default_factory=list)
    frames: tuple[Frame, ...] = ()
    name: str = ""
    ident: int = 0
    role: str = ""
    serves: int = 0
    since_ns: int = 0
    wait: SeenWait | None = None
    intent: SeenWait | None = None


@dataclass(frozen=True, slots=True)
class SeenHold:
    """A lock that this process accounts for; ``ident`` of its holder."""

    key: int
    ident: int


@dataclass(slots=True, eq=False)
class SeenProcess:
    """A process of the job. ``python``: its version, "" if it is none; ``opened_ns``: CLOCK_MONOTONIC of its start."""

    pid: int
    inner_pid: int
    stat: Stat
    opened_ns: int
    command: list[str]
    executable: str
    space: AddressSpace
    descriptors: dict[int, Descriptor] = field(default_factory=dict)
    threads: dict[int, SeenThread] = field(default_factory=dict)
    python: str = ""
    name: str = ""
    target: str = ""
    daemon: bool = False
    start_method: str = ""
    forked: bool = False
    """A fork without exec: its command line is its parent's."""
    begun: bool = True
    """Does it know by now all that it was started with? See starts.py."""
    service: str = ""
    """``resource tracker`` or ``forkserver``, if it is one."""
    pool: int = 0
    """OBJECT key of the pool or executor that it works for."""
    holds: list[SeenHold] = field(default_factory=list)
    lost_threads: str = ""
    """Lines of number and name: the threads of its parent that it lacks, where that matters."""
    started_at: Frame | None = None
    """The program's line that started it, which a forked child has copied with its parent's stack."""
    signals: tuple[int, int, int] = (0, 0, 0)
    """Masks of the signals that are blocked, ignored and caught."""
    recording: str = ""
    """Run directory of a traced process."""

    @property
    def zombie(self) -> bool:
        """Has it ended without being waited for?"""
        return self.stat.state in "ZX"

    @property
    def closed(self) -> bool:
        """Is it alive, and not even what it has mapped may be read? It may be anything, and know any lock."""
        return not self.zombie and not self.space.regions
