"""The run directory of an attach: made like a traced run's, with one moment in it."""

from __future__ import annotations

import json
import os
import re
import socket
import time

import mptrace
from mptrace.attach.job import Job
from mptrace.errors import BadUse
from mptrace.wire.rundir import META, MOMENTS, PROCESSES

HOME_NAME = ".mptrace"


def make_directory(job: Job, output: str = "") -> str:
    """Make the run directory, in ``output``, $MPTRACE_DIR or .mptrace here, else below $TMPDIR; return its absolute path."""
    if output:
        return _make(os.path.abspath(output), output)
    name = f"{_label(job)}-{time.strftime('%Y%m%dT%H%M%S')}-attach-{job.root}-{os.getpid()}"
    home = os.path.abspath(os.environ.get("MPTRACE_DIR") or HOME_NAME)
    fallback = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"mptrace-{os.getuid()}")  # noqa: S108 - mode 0700, owner checked
    for place in (home, fallback):
        try:
            return _make_in(place, name)
        except OSError as trouble:
            last = trouble
    raise BadUse(f"Nothing can be written to {home} or {fallback}: {last.strerror}", "Name a directory with --output.")


def _make_in(home: str, name: str) -> str:
    os.makedirs(home, mode=0o700, exist_ok=True)
    if os.stat(home).st_uid != os.getuid():
        raise PermissionError(13, "it belongs to another user")
    ignore = os.path.join(home, ".gitignore")
    if not os.path.exists(ignore):
        with open(ignore, "w", encoding="utf-8") as file:
            file.write("# written by mptrace\n*\n")
    path = os.path.join(home, name)
    _fill(path)
    return path


def _make(path: str, said: str) -> str:
    if os.path.exists(os.path.join(path, META)):
        raise BadUse(f"--output {said}: holds a recording already", "name a new directory, or remove that one")
    try:
        _fill(path)
    except OSError as trouble:
        raise BadUse(f"--output {said}: {trouble.strerror}") from None
    return path


def _fill(path: str) -> None:
    for part in (PROCESSES, os.path.join(MOMENTS, "0001")):
        os.makedirs(os.path.join(path, part), mode=0o700, exist_ok=True)


def _label(job: Job) -> str:
    safe = re.sub(r"[^A-Za-z0-9_.]+", "_", os.path.basename(_script(job))).strip("._")
    return safe.removesuffix(".py")[:60] or "job"


def _script(job: Job) -> str:
    """Return the script's name in the job's command line, as far as that can be told without parsing options."""
    words = job.processes[job.root].command[1:]
    if any("multiprocessing." in word for word in words):  # a child or a service whose parent is gone
        return "job"
    plain = [word for word in words if not word.startswith("-")]
    named = next((word for word in plain if word.endswith(".py")), "")
    return named or (plain[0] if plain and "\n" not in plain[0] else "") or "job"


def write_meta(path: str, job: Job, began_ns: int, main: int = 0) -> None:
    """Write run.json: the job's command, and that it was attached to; the job goes on, so there is no end and no status.

    ``main``: the job's first process, if that is gone.
    """
    root = job.processes[job.root]
    wall_ns = time.time_ns() - (time.monotonic_ns() - root.opened_ns)
    fields = {
        "mptrace": mptrace.__version__,
        "command": root.command,
        "script": _script(job),
        "python": f"{root.python} {root.executable}",
        "host": socket.gethostname(),
        "cwd": _cwd(job.root),
        "start_ns": root.opened_ns,
        "start_wall_ns": wall_ns,
        "end_ns": None,
        "status": None,
        "ended_by": "",
        "start_method": _start_method(job),
        "main": main or job.root,
        "attached": True,
        "attached_ns": began_ns,
    }
    with open(os.path.join(path, META), "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(fields, file, indent=1)


def _start_method(job: Job) -> str:
    methods = [process.start_method for process in job.processes.values() if process.start_method and not process.service]
    return max(set(methods), key=methods.count) if methods else ""


def _cwd(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
