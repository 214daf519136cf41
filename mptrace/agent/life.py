"""Moments of a process's life that several probes care for: each appends its functions here, since probes do not know one another."""

from __future__ import annotations

from . import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

at_start: list[Callable[[Any], None]] = []
"""Called in a parent with the Process object that is about to be started."""

at_bootstrap: list[Callable[[Any], None]] = []
"""Called in a child with its Process object, before it runs."""

at_failure: list[Callable[[Any, BaseException], None]] = []
"""Called in a child with its Process object and the exception that ends it (SystemExit too)."""

at_exit_function: list[Callable[[FrameType], None]] = []
"""Called when ``multiprocessing.util._exit_function`` begins, with the frame that called it."""

at_submit: list[Callable[[Any], None]] = []
"""Called in a parent with a function that a pool or executor is given for the first time."""

at_task: list[Callable[[Any], None]] = []
"""Called in a worker with a function that it is about to run for the first time."""

at_task_done: list[Callable[[], None]] = []
"""Called in a worker after the first few tasks of such a function."""

at_result: list[Callable[[Any, int], None]] = []
"""Called with the result object of a job that a pool (OBJECT key) is about to be given, before anybody has it."""

at_exit: list[Callable[[], None]] = []
"""Called once when this process begins to end in an orderly way."""


def tell(functions: list[Callable[..., None]], *arguments: object) -> None:
    """Call them all; the probe of one that raises is switched off."""
    for function in functions:
        try:
            function(*arguments)
        except Exception:
            guard.trouble(function.__module__.rpartition(".")[2])


_submitted: set[object] = set()
MOST = 200


def submit(function: Any) -> None:
    """Tell of a function that a pool or executor is given, the first time that one of its code is."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is not None and code not in _submitted and len(_submitted) < MOST:
        _submitted.add(code)
        tell(at_submit, function)
