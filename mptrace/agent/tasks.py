"""The tasks of a worker of a pool or executor: what it runs right now, what raised, and what cannot be rebuilt where it goes."""

from __future__ import annotations

from _thread import get_native_id
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
        self._cell, self._number, self._since, self._tid = 0, 0, 0, get_native_id()
        recorder.log(tasks.WORKER, pool, name)

    def ask(self) -> None:
        """It asks for a task."""
        if not self.asked:
            self.asked = True
            if self.ready is not None:
                self.ready()

    def begin(self, job: int, index: int, called: Any, function: str, arguments: str) -> None:
        """It begins to run a task: ``called``, with its name and its arguments as texts."""
        self.job, self.index, self.function = job, index, function
        self.code = getattr(getattr(called, "__func__", called), "__code__", None)
        self._number, self._since = pools.task_number(job, index), monotonic_ns()
        text = f"{function}({arguments})".encode("utf-8", "replace")[: layout.DOING_SIZE - 40]
        if not self._cell:  # kept from task to task
            self._cell = recorder.begin_task(self.pool, self._number, text)
            return
        buffer, at = recorder._bytes, self._cell
        buffer[at + 40 : at + 40 + len(text)] = text
        _CELL(buffer, at + 8, self.pool, self._number, self._since, len(text))
        recorder.words[at // 8] = 1 | self._tid << 32

    def end(self, *, returned: bool) -> None:
        """The task returned or raised; its result is about to be sent. Only one that took a while is worth a record."""
        if self._cell:
            recorder.words[self._cell // 8] = 0
        if monotonic_ns() - self._since > waits.SHORT_NS:
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


def describe(function: Any, args: Any, kwargs: Any) -> tuple[Any, str, str]:
    """Return (function, its name, its arguments) of a task; a chunk of ``map`` is told by its first item."""
    name = getattr(function, "__name__", "")
    if name in ("mapstar", "starmapstar") and getattr(function, "__module__", "") == "multiprocessing.pool":
        (inner, batch), *_ = args
        first = brief.arguments(batch[0]) if name == "starmapstar" else brief.value(batch[0])
        return inner, brief.name_of(inner), first + (f"  and {len(batch) - 1} more" if len(batch) > 1 else "")
    if getattr(getattr(function, "func", None), "__name__", "") == "_process_chunk":  # executor.map
        inner, batch = function.args[0], args[0]
        return inner, brief.name_of(inner), brief.arguments(batch[0]) + (f"  and {len(batch) - 1} more" if len(batch) > 1 else "")
    return function, brief.name_of(function), brief.arguments(args, kwargs)
