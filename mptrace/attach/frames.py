"""Stacks with locals by py-spy, several processes at a time, each bounded; the job is never stopped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mptrace.attach.seen import Frame, Local

TIMEOUT_S = 8.0
"""Longest one process's stacks may take; a busy machine needs a tenth of a second."""

FRAMES_LIMIT, LOCALS_LIMIT, TEXT_LIMIT = 60, 30, 80


class Stacks:
    """Frames by thread of one process: by native id where py-spy knows it, by ident else; ``trouble``: why there are none.

    ``started_at``: the line of its parent's at which a forked child was started, if that was the program's.
    """

    def __init__(self, dump: list[dict[str, Any]], trouble: str = "") -> None:
        self.trouble = trouble
        whole = [tuple(_frame(frame) for frame in thread.get("frames", ())[:FRAMES_LIMIT]) for thread in dump]
        self.threads = [
            (thread.get("os_thread_id") or 0, thread.get("thread_id") or 0, thread.get("thread_name") or "", _own(frames))
            for thread, frames in zip(dump, whole, strict=True)
        ]
        self.started_at = next((line for frames in whole if (line := _started_at(frames)) is not None), None)


def read_stacks(pids: list[int]) -> dict[int, Stacks]:
    """Return the stacks of these processes; one that cannot be read has a ``trouble``."""
    program = _py_spy()
    if not program:
        return {pid: Stacks([], "py-spy is not installed") for pid in pids}
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        return dict(zip(pids, pool.map(lambda pid: _dump(program, pid), pids), strict=True))


def _py_spy() -> str:
    beside = os.path.join(os.path.dirname(sys.executable), "py-spy")
    return beside if os.path.exists(beside) else shutil.which("py-spy") or ""


def _dump(program: str, pid: int) -> Stacks:
    command = [program, "dump", "--json", "--locals", "--nonblocking", "--pid", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return Stacks([], f"py-spy took longer than {TIMEOUT_S:.0f} s")
    except OSError as trouble:
        return Stacks([], f"py-spy: {trouble.strerror}")
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        errors = [line for line in lines if line.startswith("Error")] or lines[-1:]  # a backtrace may follow
        return Stacks([], "py-spy: " + (errors[0] if errors else f"status {done.returncode}")[:200])
    try:
        return Stacks(json.loads(done.stdout))
    except (ValueError, TypeError, AttributeError) as trouble:
        return Stacks([], f"py-spy said something else than stacks: {trouble}")


def _own(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Leave out what a forked child copied from its parent: everything outside of Process._bootstrap."""
    for number, frame in enumerate(frames):
        if frame.is_bootstrap:
            return frames[: number + 1]
    return frames


def _started_at(frames: tuple[Frame, ...]) -> Frame | None:
    """Return the innermost line of the program's in what was copied, if that leads to Process.start()."""
    copied = frames[len(_own(frames)) :]
    calls = [number for number, frame in enumerate(copied) if frame.function.rpartition(".")[2] == "start" and frame.is_library]
    line = next((frame for frame in copied[calls[0] :] if not frame.is_library), None) if calls else None
    return line if line is not None and not line.file.startswith("<") else None


def _frame(frame: dict[str, Any]) -> Frame:
    local = tuple(_local(one) for one in (frame.get("locals") or ())[:LOCALS_LIMIT])
    return Frame(_file(str(frame.get("filename", ""))), int(frame.get("line") or 0), str(frame.get("name", "")), local)


def _file(name: str) -> str:
    """Return a file's name; a program that was frozen into one file names the library's without a folder: give them one."""
    top = name.partition("/")[0].removesuffix(".py")
    return f"<frozen>/lib/python3.x/{name}" if top in sys.stdlib_module_names and name.endswith(".py") else name


def _local(local: dict[str, Any]) -> Local:
    text = str(local.get("repr") or "")
    short = text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 3] + "..."
    return Local(str(local.get("name", "")), int(local.get("addr") or 0), short)
