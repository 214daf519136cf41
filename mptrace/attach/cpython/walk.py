"""Walk from what a program can reach (stacks, globals, multiprocessing's own registries) to the objects that matter to a hang.

A scan of the whole heap finds more, at 20 ms for each 10 MB and seconds for a large process; this takes milliseconds whatever
its size. What must be complete (the copies of a contested lock) is checked against what is mapped, and searched for then.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mptrace.attach.cpython.interpreter import Interpreter
from mptrace.attach.cpython.objects import Class
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import SeenProcess

OBJECTS_LIMIT, DEPTH, TIME_S = 6000, 7, 0.5
"""Most objects that are looked at in one process, how far from a root, and for how long."""

SYNC, QUEUES, POOL = "multiprocessing.synchronize", "multiprocessing.queues", "multiprocessing.pool"
INTERESTING: dict[Class, str] = {
    (SYNC, "SemLock"): "semlock",
    (SYNC, "Condition"): "condition",
    (SYNC, "Event"): "event",
    (SYNC, "Barrier"): "barrier",
    (QUEUES, "Queue"): "queue",
    (QUEUES, "SimpleQueue"): "queue",
    (POOL, "Pool"): "pool",
    (POOL, "ApplyResult"): "result",
    (POOL, "IMapIterator"): "result",
    ("multiprocessing.process", "BaseProcess"): "process",
    ("multiprocessing.connection", "_ConnectionBase"): "connection",
    ("multiprocessing.managers", "BaseManager"): "manager",
    ("multiprocessing.managers", "BaseProxy"): "proxy",
    ("multiprocessing.managers", "Server"): "server",
    ("concurrent.futures.process", "ProcessPoolExecutor"): "executor",
    ("concurrent.futures.process", "_ExecutorManagerThread"): "thread",
    ("concurrent.futures._base", "Future"): "future",
    ("threading", "Thread"): "thread",
    ("_thread", "lock"): "thread lock",
    ("_thread", "RLock"): "thread lock",
    ("threading", "Condition"): "thread condition",
    ("threading", "Event"): "thread event",
}
"""Class, or base class -> what it is to us."""

_REGISTRIES = (
    ("multiprocessing.process", ("_children", "_current_process")),
    ("multiprocessing.util", ("_afterfork_registry", "_finalizer_registry")),
    ("threading", ("_active",)),
    ("concurrent.futures.process", ("_threads_wakeups",)),
)
_SKIPPED = frozenset({"module", "type", "str", "int", "float", "bytes", "bool", "NoneType", "code", "bytearray", "complex"})


@dataclass(frozen=True, slots=True)
class Found:
    """An object that matters: ``what`` as INTERESTING says, ``name`` of its class, its attributes by name."""

    address: int
    what: str
    name: str
    attributes: dict[str, int] = field(default_factory=dict)


class Walk:
    """``found`` by address; ``names``: address -> what the program calls it; ``cut``: the walk was ended by a limit."""

    def __init__(self, process: SeenProcess, interpreter: Interpreter) -> None:
        self.found: dict[int, Found] = {}
        self.names: dict[int, str] = {}
        self.cut = False
        self._objects = interpreter.objects
        self._seen: set[int] = set()
        self._todo: deque[tuple[int, int]] = deque()
        for address in _roots(process, interpreter, self.names):
            self._push(address, 0)
        self._run(time.monotonic() + TIME_S)

    def of(self, *what: str) -> Iterator[Found]:
        """Yield the objects of these kinds."""
        return (found for found in self.found.values() if found.what in what)

    def _push(self, address: int, depth: int) -> None:
        if address and address not in self._seen and depth <= DEPTH:
            self._seen.add(address)
            self._todo.append((address, depth))

    def _run(self, deadline: float) -> None:
        for _ in range(OBJECTS_LIMIT):
            if not self._todo or time.monotonic() > deadline:
                break
            address, depth = self._todo.popleft()
            try:
                for child in self._visit(address):
                    self._push(child, depth + 1)
            except (Unreadable, ValueError):
                continue
        self.cut = bool(self._todo)

    def _visit(self, address: int) -> Iterable[int]:
        """Note an object if it matters; return those that it leads to."""
        classes = self._objects.classes(self._objects.type_of(address))
        module, name = classes[0]
        if module == "builtins" or name in {"KeyedRef", "ReferenceType"}:
            return self._inside(address, name) if name not in _SKIPPED else ()
        what = next((INTERESTING[one] for one in classes if one in INTERESTING), "")
        if what == "semlock" and name == "SemLock" and module == "_multiprocessing":
            return ()
        attributes = self._objects.attributes(address)
        if what:
            self.found[address] = Found(address, what, _known_name(classes), attributes)
        else:
            self._note_names(attributes)
        return attributes.values()

    def _note_names(self, attributes: dict[str, int]) -> None:
        """An attribute of the program's own object is a name for what it holds, unless there is a better one."""
        for name, value in attributes.items():
            if not name.startswith("__"):
                self.names.setdefault(value, name)

    def _inside(self, address: int, name: str) -> Iterable[int]:
        memory = self._objects.memory
        if name in {"dict", "OrderedDict", "defaultdict"}:
            return [one for pair in self._objects.items(address) for one in pair]
        if name in {"list", "tuple"}:
            return self._objects.sequence(address)
        if name == "method":
            return (memory.u64(address + 24),)
        if name in {"cell", "weakref", "KeyedRef", "ReferenceType"}:
            return (memory.u64(address + 16),)
        if name == "set":
            return self._members(address)
        return ()

    def _members(self, address: int) -> Iterable[int]:
        """Return a set's members: a table of (object, hash)."""
        mask, table = self._objects.memory.u64(address + 32), self._objects.memory.u64(address + 40)
        words = self._objects.memory.words(table, 2 * (min(mask, 1023) + 1))
        return [word for word, hashed in zip(words[::2], words[1::2], strict=True) if word and hashed != (1 << 64) - 1]


def _known_name(classes: tuple[Class, ...]) -> str:
    """Return the name of the first class that is the library's: a subclass of the program's is what it derives from."""
    library = ("multiprocessing.", "concurrent.", "threading")
    return next((name for module, name in classes if module.startswith(library)), classes[0][1])


def _roots(process: SeenProcess, interpreter: Interpreter, names: dict[int, str]) -> Iterator[int]:
    """Yield the addresses to start from, the most telling first, and note the names that the program gives them."""
    for thread in process.threads.values():
        for frame in thread.frames:
            for local in frame.locals:
                if not frame.is_library and local.name != "self":
                    names.setdefault(local.address, local.name)
                yield local.address
    for module, registries in _REGISTRIES:
        members = interpreter.module(module)
        yield from (members.get(name, 0) for name in registries)
    main = interpreter.module("__main__") | interpreter.module("__mp_main__")
    for name, value in main.items():
        if not name.startswith("__"):
            names.setdefault(value, name)
            yield value
