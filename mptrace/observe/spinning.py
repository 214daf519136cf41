"""A forked child that burns CPU in native code until threads answer that the fork did not copy: found by two native stacks.

A runtime such as OpenMP that still believes in its threads gives them work and polls, yielding the core or not, for ever. Nothing
waits then, so nobody is asked about it until all boards have been still for long. py-spy stops the process for some milliseconds
while it reads a native stack; so only processes are asked that have one thread, and that thread runs.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mptrace.observe import own_children, procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.stacks import find_py_spy
from mptrace.wire.events import observations as seen

RUNTIME = re.compile(r"lib(gomp|iomp5?|omp|tbb)\b")
"""Libraries that hand work to threads of their own."""

POLLING = re.compile(r"barrier|spin|do_wait|acopy|sched_yield|cpu_relax|usleep|nanosleep")
"""Innermost functions of a thread that waits without the kernel's help."""

ONE_S, BETWEEN_S, MOST = 10.0, 0.2, 4


@dataclass(frozen=True, slots=True)
class Spin:
    """One thread that polls: the runtime's library, its function that the program's library called, and the innermost function."""

    pid: int
    tid: int
    library: str
    function: str
    polling: str

    @property
    def call(self) -> tuple[str, str]:
        """Where in the runtime it is: what does not change while it polls."""
        return self.library, self.function


def find_spinning(pids: Iterable[int]) -> list[Spin]:
    """Return the processes of one thread that poll inside of such a runtime, at two looks in the same call."""
    program = find_py_spy()
    first = {pid: spin for pid in may_spin(pids)[:MOST] if program and (spin := _spin(pid, program))}
    if first:
        time.sleep(BETWEEN_S)
    return [spin for pid, spin in first.items() if (again := _spin(pid, program)) and again.call == spin.call]


def may_spin(pids: Iterable[int]) -> list[int]:
    """Return those that have one thread, which runs or would."""
    return [pid for pid in pids if len(procfs.tids(pid)) == 1 and _runs(pid)]


def note_spinning(log: ObserverLog, moment: int, spins: Iterable[Spin]) -> None:
    """Write a SPINNING event for each."""
    for spin in spins:
        log.write(seen.SPINNING, moment, spin.pid, spin.tid, spin.library, spin.function, spin.polling)


def _runs(pid: int) -> bool:
    stat = procfs.stat(pid)
    return stat is not None and stat.state == "R"


def _spin(pid: int, program: str) -> Spin | None:
    frames = _native_frames(pid, program)
    runtime = next((frame for frame in reversed(frames) if RUNTIME.search(_library(frame))), None)  # which the library called
    innermost = frames[0] if frames else {}
    polls = bool(POLLING.search(_function(innermost))) or bool(RUNTIME.search(_library(innermost)))
    if runtime is None or not polls:
        return None
    return Spin(pid, pid, _library(runtime), _function(runtime), _function(innermost))


def _native_frames(pid: int, program: str) -> list[dict[str, Any]]:
    """Return the native frames above the innermost Python frame, innermost first; nothing if they cannot be read."""
    command = [program, "dump", "--native", "--json", "--pid", str(pid)]
    try:
        status, output, _ = own_children.finish(own_children.start(command), ONE_S)
        frames = [] if status else json.loads(output)[0]["frames"]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return _before_python(frames)


def _before_python(frames: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for frame in frames:
        if str(frame.get("filename") or "").endswith(".py"):
            break
        found.append(frame)
    return found


def _function(frame: dict[str, Any]) -> str:
    return str(frame.get("name") or "")


def _library(frame: dict[str, Any]) -> str:
    return str(frame.get("module") or frame.get("filename") or "").rpartition("/")[2]
