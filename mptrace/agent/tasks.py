"""The tasks of a worker of a pool or executor: what it runs right now, what raised, and what cannot be rebuilt where it goes."""

from __future__ import annotations

from _thread import get_native_id
from _weakref import ref
from struct import Struct
from time import monotonic_ns

from ..wire import layout
from ..wire.events import failures, tasks
from . import brief, budget, callsite, failure, pools, rebuild, recorder, waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CELL = Struct("<4Q").pack_into
_failures = budget.Budget(200, 5)

QUICK = 64
"""So many tasks of one function, each begun within `waits.FRESH_NS` of the one before, are told with their arguments."""


current: Worker | None = None
"""This process as a worker of a pool or executor."""


class Worker:
    """What this process is as a worker of the pool ``pool`` (its OBJECT key); used by its one working thread."""

    def __init__(self, pool: int, name: str) -> None:
        global current
        current = self
        self.pool, self.name = pool, name
        self.asked = False  # did it ask for a task? Then its initializer has returned.
        self.ready: Any = None  # called when it asks for its first task
        self.refused = False  # its result could not be pickled: the error that goes back instead is none of its function
        self.job, self.index, self.function = 0, 0, ""
        self.code: Any = None  # not the function: it may hold what the program wants to be rid of
        self._cell, self._number, self._since, self._state = 0, 0, 0, 1 | get_native_id() << 32
        self._called, self._name, self._quick, self._busy = _nothing, b"", 0, 0
        recorder.log(tasks.WORKER, pool, name)

    def ask(self) -> None:
        """It asks for a task."""
        if not self.asked:
            self.asked = True
            if self.ready is not None:
                self.ready()

    def begin(self, job: int, index: int, function: Any, args: Any, kwargs: Any) -> None:
        """It begins to run a task: what it got to call. One right after another of the same function is told by name and number."""
        now = monotonic_ns()
        before, self._since, self.job, self.index = self._since, now, job, index
        self._number = number = pools.task_number(job, index)
        cell = self._cell
        if now - before > waits.FRESH_NS or _called(function, args) is not self._called():
            self._quick = 0
        else:
            self._quick += 1
            if cell and self._quick > QUICK:
                words, at = recorder.words, cell // 8
                if self._quick == QUICK + 1:
                    words[at + 4] = len(self._name)  # which is what the text begins with
                words[at + 2], words[at + 3] = number, now
                words[at] = self._state
                return
        called, self.function, arguments = describe(function, args, kwargs)
        self.code = getattr(getattr(called, "__func__", called), "__code__", None)
        self._called = ref(called) if type(called) is _FUNCTION else _nothing
        self._name = self.function.encode("utf-8", "replace")[: layout.DOING_SIZE - 40]
        self._tell(self._name + f"({arguments})".encode("utf-8", "replace"))

    def _tell(self, text: bytes) -> None:
        text = text[: layout.DOING_SIZE - 40]
        if not self._cell:  # kept from task to task
            self._cell = recorder.begin_task(self.pool, self._number, text)
            return
        buffer, at = recorder._bytes, self._cell
        buffer[at + 40 : at + 40 + len(text)] = text
        _CELL(buffer, at + 8, self.pool, self._number, self._since, len(text))
        recorder.words[at // 8] = self._state

    def end(self, *, returned: bool) -> None:
        """The task returned or raised; its result is about to be sent. Only one that took a while is worth a record."""
        if self._cell:
            recorder.words[self._cell // 8] = 0
        took = monotonic_ns() - self._since
        recorder.words[layout.H_BUSY] = self._busy = self._busy + took
        if took > waits.SHORT_NS:
            recorder.ring(layout.R_TASK_ENDED, self.pool, self._number, int(returned), self._since)

    def defined_at(self) -> int:
        """Return the number of the place where the function of its task is defined."""
        return 0 if self.code is None else callsite.number(self.code, -1, self.code.co_firstlineno)

    def failed(self, error: BaseException, text: str, site: int) -> None:
        """The task raised; ``text``: the traceback."""
        if _failures.spend():
            recorder.log(
                tasks.FAILED,
                self.pool,
                self.job,
                self.index,
                self.function,
                failure.kind(error),
                failure.message(error),
                text,
                site,
            )
            self._check(error, site)

    def _check(self, error: BaseException, site: int) -> None:
        reason = rebuild.why_not(error)
        if reason:
            file, line = rebuild.defined_at(type(error))
            recorder.log(
                failures.NOT_REBUILDABLE, failure.kind(error), failure.message(error), reason, file, line, site,
                self.pool, self.job, self.function,
            )  # fmt: skip

    def initializer_failed(self, error: BaseException) -> None:
        """Its initializer raised."""
        recorder.log(
            tasks.INITIALIZER_FAILED, self.pool, failure.kind(error), failure.message(error), failure.text(error),
            failure.raised_at(error),
        )  # fmt: skip


def _called(function: Any, args: Any) -> Any:
    """Return the program's own function of a task, as `describe` finds it."""
    if type(function) is _FUNCTION:
        return args[0][0] if function.__name__ in _STARS and function.__module__ == "multiprocessing.pool" else function
    return function.args[0] if getattr(getattr(function, "func", None), "__name__", "") == "_process_chunk" else function


_FUNCTION = type(lambda: None)
_STARS = ("mapstar", "starmapstar")


def _nothing() -> object:
    return _nothing  # which is no function of the program


def describe(function: Any, args: Any, kwargs: Any) -> tuple[Any, str, str]:
    """Return (function, its name, its arguments) of a task; a chunk of ``map`` is told by its first item."""
    name = getattr(function, "__name__", "")
    if name in _STARS and getattr(function, "__module__", "") == "multiprocessing.pool":
        (inner, batch), *_ = args
        first = brief.arguments(batch[0]) if name == "starmapstar" else brief.value(batch[0])
        return inner, brief.name_of(inner), first + (f"  and {len(batch) - 1} more" if len(batch) > 1 else "")
    if getattr(getattr(function, "func", None), "__name__", "") == "_process_chunk":  # executor.map
        inner, batch = function.args[0], args[0]
        return inner, brief.name_of(inner), brief.arguments(batch[0]) + (f"  and {len(batch) - 1} more" if len(batch) > 1 else "")
    return function, brief.name_of(function), brief.arguments(args, kwargs)
