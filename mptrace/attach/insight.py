"""What one process's memory shows: its objects that matter, its SemLocks, and what they are called across the job."""

from __future__ import annotations

from mptrace.attach.cpython.interpreter import Interpreter, UnknownLayout
from mptrace.attach.cpython.objects import Objects
from mptrace.attach.cpython.semlocks import SemLock, reached_semlocks
from mptrace.attach.cpython.thread_locks import FoundLock, read_thread_locks, search_lock
from mptrace.attach.cpython.walk import Found, Walk
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.names import JobNames
from mptrace.attach.refusals import why_closed
from mptrace.attach.seen import SeenProcess
from mptrace.attach.sight import Sight


class Insight:
    """The objects of one process; UnknownLayout if they cannot be read."""

    def __init__(self, process: SeenProcess, memory: Memory, names: JobNames) -> None:
        self.process, self.names = process, names
        interpreter = Interpreter(process, memory)
        process.python = _full_version(interpreter)
        self.interpreter = interpreter
        self._globals: dict[str, int] | None = None
        self.objects: Objects = interpreter.objects
        self.walk = Walk(process, interpreter)
        self.semlocks: dict[int, SemLock] = reached_semlocks(self.objects, self.walk)
        self.thread_locks = read_thread_locks(self.objects, self.walk)
        for semlock in self.semlocks.values():
            self._note_name(semlock)

    def _note_name(self, semlock: SemLock) -> None:
        region = self.process.space.region_at(semlock.handle)
        if region is not None and region.is_semaphore:
            self.names.note_semaphore(region.inode, semlock.name)

    # -- objects by what the walk found

    def found(self, address: int) -> Found | None:
        """Return an object that matters by its address."""
        return self.walk.found.get(address)

    def lock_behind(self, futex: int) -> FoundLock | None:
        """Return the lock of `threading` that a private futex belongs to, if it belongs to one."""
        if futex not in self.thread_locks:
            found = search_lock(self.process, self.objects, futex)
            if found is None:
                return None
            self.thread_locks[futex] = found
        return self.thread_locks[futex]

    def text(self, address: int) -> str:
        """Return a text; "" if there is none."""
        try:
            return self.objects.text(address) if address else ""
        except Unreadable:
            return ""

    def number(self, address: int, default: int = 0) -> int:
        """Return a number; the default if there is none."""
        try:
            return self.objects.number(address, default) if address else default
        except Unreadable:
            return default

    def attributes(self, address: int) -> dict[str, int]:
        """Return the attributes of any object; {} if it has none."""
        known = self.walk.found.get(address)
        if known is not None:
            return known.attributes
        try:
            return self.objects.attributes(address) if address else {}
        except Unreadable:
            return {}

    def global_names(self, address: int) -> frozenset[str]:
        """Return the global variables of the program's main module that hold this object."""
        if self._globals is None:
            self._globals = self.interpreter.module("__main__") | self.interpreter.module("__mp_main__")
        return frozenset(name for name, value in self._globals.items() if value == address and not name.startswith("__"))

    def is_none(self, address: int) -> bool:
        """Is this the None of the process?"""
        try:
            return bool(address) and self.objects.class_of(address) == ("builtins", "NoneType")
        except Unreadable:
            return False

    # -- keys

    def semaphore_key(self, wrapper: int) -> int:
        """Return the key of the semaphore behind a Lock, RLock or Semaphore; 0 if it is not known."""
        semlock = self.semlocks.get(wrapper)
        region = self.process.space.region_at(semlock.handle) if semlock else None
        return self.names.semaphore_key(region.inode) if region is not None and region.is_semaphore else 0

    def descriptor(self, connection: int) -> int:
        """Return the descriptor of a Connection; -1 if it is closed or unknown."""
        return self.number(self.attributes(connection).get("_handle", 0), -1)

    def pipe_key(self, connection: int) -> int:
        """Return the inode of the pipe or socket of a Connection; 0 if it is closed or unknown."""
        found = self.process.descriptors.get(self.descriptor(connection))
        return found.inode if found else 0

    def queue_pipe(self, queue: int, end: str) -> int:
        """Return the inode of one end of a queue: ``_reader`` or ``_writer``; 0 if it is closed or unknown."""
        return self.pipe_key(self.attributes(queue).get(end, 0))

    def queue_key(self, queue: int) -> int:
        """Return the OBJECT key of a Queue or SimpleQueue: the pipe it reads from (or, where that end is closed, writes to)."""
        attributes = self.attributes(queue)
        return self.pipe_key(attributes.get("_reader", 0)) or self.pipe_key(attributes.get("_writer", 0))

    def object_key(self, address: int) -> int:
        """Return the OBJECT key of anything composite, as the agent would give it (agent/identity.py, agent/pools.py)."""
        known = self.found(address)
        make = _KEYS.get(known.what) if known is not None else None
        return make(self, known.attributes) if make and known is not None else 0

    def _condition_key(self, attributes: dict[str, int]) -> int:
        return self.semaphore_key(attributes.get("_wait_semaphore", 0))

    def _event_key(self, attributes: dict[str, int]) -> int:
        return self.semaphore_key(attributes.get("_flag", 0))

    def _barrier_key(self, attributes: dict[str, int]) -> int:
        return self.semaphore_key(self.attributes(attributes.get("_cond", 0)).get("_sleeping_count", 0))

    def _queue_key(self, attributes: dict[str, int]) -> int:
        return self.pipe_key(attributes.get("_reader", 0)) or self.pipe_key(attributes.get("_writer", 0))

    def _pool_key(self, attributes: dict[str, int]) -> int:
        inode = self.queue_key(attributes.get("_inqueue", 0))
        return inode | 1 << 40 if inode else 0

    def _executor_key(self, attributes: dict[str, int]) -> int:
        inode = self.queue_key(attributes.get("_call_queue", 0))
        inode = inode or self.queue_key(attributes.get("_result_queue", 0))  # broken: the other one is closed
        return inode | 1 << 41 if inode else 0


_KEYS = {
    "condition": Insight._condition_key,
    "event": Insight._event_key,
    "barrier": Insight._barrier_key,
    "queue": Insight._queue_key,
    "pool": Insight._pool_key,
    "executor": Insight._executor_key,
}


def _full_version(interpreter: Interpreter) -> str:
    """Return ``3.11.7``: as sys.hexversion says it; else as far as the version is known."""
    try:
        packed = interpreter.objects.number(interpreter.module("sys").get("hexversion", 0))
    except Unreadable:
        packed = 0
    major, minor, micro = packed >> 24, packed >> 16 & 0xFF, packed >> 8 & 0xFF
    short = ".".join(map(str, interpreter.version))
    return f"{short}.{micro}" if (major, minor) == interpreter.version else short


def gain_insights(sight: Sight, memories: dict[int, Memory]) -> dict[int, Insight]:
    """Read the objects of all Python processes; note those whose memory or layout is closed to us."""
    insights: dict[int, Insight] = {}
    for process in sight.job.living:
        if process.closed:
            sight.miss(process.pid, "objects", why_closed(process.pid))
        if not process.python:
            continue
        try:
            insights[process.pid] = Insight(process, memories[process.pid], sight.names)
        except UnknownLayout as trouble:
            sight.miss(process.pid, "objects", str(trouble))
        except Unreadable:
            sight.miss(process.pid, "objects", why_closed(process.pid))
    return insights
