"""The tasks of a worker of a pool or executor: what it runs right now, what raised, and what cannot be rebuilt where it goes."""

from __future__ import annotations

import sys
from _thread import get_native_id
from struct import Struct
from time import monotonic_ns

from ..wire import layout
from ..wire.events import failures, tasks
from . import brief, budget, callsite, failure, life, pools, rebuild, recorder, waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

_ROOM = layout.DOING_SIZE - 40
_CELL = Struct(f"<2Q{_ROOM}s").pack_into
_failures = budget.Budget(200, 5)


LOOKS = 8
"""The first so many tasks of a worker may be looked at: what its function will change, and what it has changed."""

current: Worker | None = None
"""This process as a worker of a pool or executor."""


class Worker:
    """What this process is as a worker of the pool ``pool`` (its OBJECT key); used by its one working thread.

    A task is noted as it came, pickled: what it says is read when somebody asks for it, and nothing is done for it here.
    """

    def __init__(self, pool: int, name: str) -> None:
        global current
        current = self
        self.pool, self.name = pool, name
        self.asked = False  # did it ask for a task? Then its initializer has returned.
        self.ready: Any = None  # called when it asks for its first task
        self.refused = False  # its result could not be pickled: the error that goes back instead is none of its function
        self.looks = LOOKS
        self._met: list[object] = []
        self._cell, self._word, self._since, self._busy = 0, layout.H_UNREAD, 0, 0
        self._state = layout.PICKLED | get_native_id() << 32
        recorder.log(tasks.WORKER, pool, name)

    def watched(self, receive: Callable[..., Any]) -> Callable[..., Any]:
        """Return what to call in the place of ``receive``, which returns the next task as bytes."""
        live, pack, now_ns = recorder.live, _CELL, monotonic_ns

        def recv_bytes(maxlength: Any = None) -> Any:
            if not self.asked:
                self._ask()
            elif self.looks:
                life.tell(life.at_task_done)
            try:
                data = receive(maxlength)
            except BaseException as error:
                failure.hide(error)
                raise
            try:
                at = self._cell
                self._since = now = now_ns()
                pack(live[1], at + 24, now, len(data), data)
                live[0][self._word] = self._state
                if self.looks:
                    self._look(data)
            except Exception:  # noqa: BLE001 - the guest's oath
                pass
            return data

        return recv_bytes

    def _ask(self) -> None:
        """It asks for its first task."""
        self.asked = True
        try:
            if self.ready is not None:
                self.ready()
            self._cell = recorder.begin_task(self.pool)
            self._word = self._cell // 8 if self._cell else layout.H_UNREAD
        except Exception:  # noqa: BLE001 - the guest's oath
            pass

    def _look(self, data: bytes) -> None:
        """Have probes look at the function of one of the first tasks, before it runs."""
        self.looks -= 1
        function = named_in(data)
        code = getattr(function, "__code__", None)
        if code is not None and code not in self._met:
            self._met.append(code)
            life.tell(life.at_task, function)

    def end(self, job: object, index: object, *, returned: bool) -> None:
        """The task returned or raised; its result is about to be sent. Only one that took a while is worth a record."""
        words, took = recorder.live[0], monotonic_ns() - self._since
        words[self._word] = 0
        words[layout.H_BUSY] = self._busy = self._busy + took
        if took > waits.SHORT_NS:
            recorder.ring(layout.R_TASK_ENDED, self.pool, pools.task_number(job, index), int(returned), self._since)

    @property
    def function(self) -> str:
        """Return the name of the function of its task, "" if it has none."""
        called = _running()
        return "" if called is None else brief.name_of(called)

    def defined_at(self) -> int:
        """Return the number of the place where the function of its task is defined."""
        called = _running()
        code = getattr(getattr(called, "__func__", called), "__code__", None)
        return 0 if code is None else callsite.number(code, -1, code.co_firstlineno)

    def failed(self, job: int, index: int, error: BaseException, text: str, site: int) -> None:
        """The task raised; ``text``: the traceback."""
        if _failures.spend():
            recorder.log(
                tasks.FAILED,
                self.pool,
                job,
                index,
                self.function,
                failure.kind(error),
                failure.message(error),
                text,
                site,
            )
            self._check(job, error, site)

    def _check(self, job: int, error: BaseException, site: int) -> None:
        reason = rebuild.why_not(error)
        if reason:
            file, line = rebuild.defined_at(type(error))
            recorder.log(
                failures.NOT_REBUILDABLE, failure.kind(error), failure.message(error), reason, file, line, site,
                self.pool, job, self.function,
            )  # fmt: skip

    def initializer_failed(self, error: BaseException) -> None:
        """Its initializer raised."""
        recorder.log(
            tasks.INITIALIZER_FAILED, self.pool, failure.kind(error), failure.message(error), failure.text(error),
            failure.raised_at(error),
        )  # fmt: skip


def named_in(data: bytes) -> Any:
    """Return the first function of the program that a pickled task names, if its module is there already; nothing is unpickled."""
    import re

    text = rb"\x8c(.)([\w.]{1,200})\x94"
    for module_size, module, size, name in re.findall(text + text + rb"\x93", data[:2000], re.DOTALL):
        names = module.decode() if ord(module_size) == len(module) and ord(size) == len(name) else ""
        found: Any = sys.modules.get(names) if names and not names.startswith(_LIBRARY) else None
        for part in name.decode().split(".") if found is not None else ():
            found = getattr(found, "__dict__", {}).get(part)
        if hasattr(found, "__code__"):
            return found
    return None


_LIBRARY = ("multiprocessing.", "concurrent.futures.", "functools", "builtins")


def _running() -> Any:
    """Return the program's function of the task that the worker's loop above us has begun; None if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_name
        if name in _LOOPS and frame.f_code.co_filename.endswith(_LOOPS[name]):
            return _called(frame, name)
        frame = frame.f_back
    return None


_LOOPS = {"worker": "multiprocessing/pool.py", "_process_worker": "concurrent/futures/process.py"}


def _called(frame: FrameType, loop: str) -> Any:
    known = frame.f_locals
    item = known.get("call_item")
    function, args = (
        (known.get("func"), known.get("args")) if loop == "worker" else (getattr(item, "fn", None), getattr(item, "args", ()))
    )
    if sys.version_info < (3, 13):
        known.clear()  # a copy, which would keep what the loop holds until it returns
    return None if function is None else describe(function, args, {})[0]


_STARS = ("mapstar", "starmapstar")


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
