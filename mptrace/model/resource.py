"""Something processes share: a lock, queue, pipe, pool, segment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mptrace.model.process import Process
    from mptrace.model.site import Site


@dataclass(slots=True, eq=False)
class Resource:
    """One resource. ``family``, ``key``: wire/resource.py. ``kind``: the class the program made (Lock, Queue, Pool, ...).

    ``name`` is the variable or attribute that its creation was assigned to ("" if the source does not say); ``nth``: 1 for the
    first of several of that name that a process made on one line, 0 for the only one. ``owner`` and ``role``: a queue's read
    lock has the queue as owner and the role ``_rlock``. ``knowers``: processes that can use it (made it, were forked from one
    that had it, or unpickled it). ``id``: as reports cite it (``r4``).
    """

    id: str
    family: int
    key: int
    kind: str
    name: str = ""
    created_at: Site | None = None
    made_by: Process | None = None
    owner: Resource | None = None
    role: str = ""
    parts: dict[str, Resource] = field(default_factory=dict)
    knowers: set[Process] = field(default_factory=set)
    readers: set[Process] = field(default_factory=set)
    """Of a pipe: processes that have an end open for reading, as far as was seen."""
    writers: set[Process] = field(default_factory=set)
    peer: Resource | None = None
    """Of one end of a socket pair: the other."""
    detail: str = ""
    nth: int = 0
    number: int = 0
    """What the kind needs: a semaphore's initial value, a queue's maxsize, a barrier's parties, a pool's workers."""

    @property
    def outermost(self) -> Resource:
        """The object the program made: this, or the owner of the owner of this."""
        found = self
        while found.owner is not None:
            found = found.owner
        return found

    @property
    def label(self) -> str:
        """How the program calls it: ``stats``, ``self.lock #2``, or ``a Lock``; of a part: ``the read lock of results``."""
        if self.owner is not None:
            return f"{_PARTS.get(self.role, self.role or self.kind)} of {self.owner.label}"
        article = "an" if self.kind[:1].upper() in "AEIO" else "a"
        number = f" #{self.nth}" if self.nth else ""
        return f"{self.name}{number}" if self.name else f"{article} {self.kind}" if self.kind else "something shared"

    def __repr__(self) -> str:
        return f"<{self.id} {self.kind} {self.label}>"


_PARTS = {
    "_rlock": "the read lock",
    "_wlock": "the write lock",
    "_reader": "the pipe",
    "_writer": "the pipe",
    "_sem": "the free places",
    "_inqueue": "the task queue",
    "_outqueue": "the result queue",
    "_cond": "the condition",
    "_lock": "the lock",
    "_flag": "the flag",
    "_call_queue": "the call queue",
    "_result_queue": "the result queue",
    "_notempty": "the lock of the buffer",
    "_unfinished_tasks": "the count of unfinished tasks",
    "_wait_semaphore": "the wake-up signal",
    "_sleeping_count": "the count of sleepers",
    "_woken_count": "the count of the woken",
    "_change_notifier": "the notifier",
}
