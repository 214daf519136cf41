"""Python stacks of running processes by py-spy, from outside and without stopping them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

from mptrace.observe import own_children
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.rest import ran_ns
from mptrace.wire.events import observations as seen

PROCESSES = 24
TOTAL_S = 1.5
ONE_S = 1.0
FRAMES = 40
THREADS = 64
LOCALS_LIMIT = 2000
AGENT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "agent") + os.sep


def find_py_spy() -> str:
    """Return the path of py-spy: beside our own Python, else on the PATH; "" if there is none."""
    beside = os.path.join(os.path.dirname(sys.executable), "py-spy")
    return beside if os.access(beside, os.X_OK) else shutil.which("py-spy") or ""


Dump = list[dict[str, Any]]
Dumps = dict[int, Dump]
"""pid -> what py-spy said of its threads, without the frames of ours."""

Kept = dict[int, tuple[int, Dump]]
"""pid -> how long it had run when it was dumped, and its dump: that of a process that has not run since is what it was."""


def note_stacks(log: ObserverLog, moment: int, pids: Sequence[int], kept: Kept | None = None) -> Dumps:
    """Write FRAME events for the threads of these processes, the first ones first, as far as time allows; return what was found.

    ``kept``: dumps of earlier looks, which may be good still; those of this one are put there.
    """
    dumps: Dumps = {}
    kept = {} if kept is None else kept
    program = find_py_spy()
    if not program:
        log.write(seen.NOT_SEEN, 0, "stacks", "py-spy is not installed")
        return dumps
    until = time.monotonic() + TOTAL_S
    for number, pid in enumerate(pids):
        if number >= PROCESSES or time.monotonic() >= until:
            log.write(seen.NOT_SEEN, pid, "stacks", f"of {len(pids)} processes only {number} were looked at")
            return dumps
        ran, (then, found) = ran_ns(pid), kept.get(pid, (-1, []))
        if ran < 0 or ran != then or not found:
            found = _dump_safely(log, pid, program, min(ONE_S, until - time.monotonic()))
        kept[pid], dumps[pid] = (ran, found), found
        for thread in found[:THREADS]:
            _note_thread(log, moment, pid, thread)
    return dumps


def serves_manager(dump: Dump) -> bool:
    """Is it the stack of a manager's server, which only answers what others ask?"""
    frames = (frame for thread in dump for frame in thread["frames"])
    return any(
        str(frame.get("name")).rpartition(".")[2] == "serve_forever"
        and str(frame.get("filename")).endswith("multiprocessing/managers.py")
        for frame in frames
    )


def _dump_safely(log: ObserverLog, pid: int, program: str, timeout_s: float) -> Dump:
    try:
        found = dump(pid, program, timeout_s)
    except (OSError, ValueError) as trouble:
        log.write(seen.NOT_SEEN, pid, "stacks", str(trouble)[:300])
        return []
    for thread in found[:THREADS]:
        thread["frames"] = [frame for frame in thread.get("frames", []) if not str(frame.get("filename")).startswith(AGENT)]
    return found


def dump(pid: int, program: str, timeout_s: float = ONE_S) -> Dump:
    """Return what py-spy says of a process's threads; ValueError with its own words if it fails."""
    command = (program, "dump", "--json", "--nonblocking", "--full-filenames", "--locals", "--pid", str(pid))
    status, output, errors = own_children.finish(own_children.start(command), timeout_s)
    if status:
        raise ValueError(errors.decode("utf-8", "replace").strip() or f"py-spy ended with {status}")
    threads = json.loads(output)
    return threads if isinstance(threads, list) else []


def _note_thread(log: ObserverLog, moment: int, pid: int, thread: dict[str, Any]) -> None:
    tid = int(thread.get("os_thread_id") or 0) or -int(thread.get("thread_id") or 0)  # Python 3.10 keeps no native ids
    name = str(thread.get("thread_name") or "")
    for depth, frame in enumerate(thread["frames"][:FRAMES]):
        file, function = str(frame.get("filename") or ""), str(frame.get("name") or "")
        log.write(
            seen.FRAME, moment, pid, tid, depth, file, int(frame.get("line") or 0), function, _locals(frame), name
        )  # fmt: skip
        if function.endswith("_bootstrap") and file.endswith("multiprocessing/process.py"):
            return  # below are, in a forked child, the frames of its parent


def _locals(frame: dict[str, Any]) -> str:
    """Return the variables, a line ``name=text`` each, the texts as py-spy cuts them."""
    found = [f"{each.get('name')}={str(each.get('repr'))[:120]}".replace("\n", " ") for each in frame.get("locals") or ()]
    return "\n".join(found[:30])[:LOCALS_LIMIT]
