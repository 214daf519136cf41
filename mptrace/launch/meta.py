"""run.json: what was started, by whom and when; written before the job starts and completed when it has ended."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from typing import Any

import mptrace
from mptrace.launch.job import Job
from mptrace.launch.settings import Settings
from mptrace.observe.cgroup import cores
from mptrace.observe.procfs import start_ticks
from mptrace.wire.rundir import META

ROOM = 2048
"""Bytes that run.json has at least, filled up with spaces: so the end of a run can still be noted on a full disk."""


def write_atomically(path: str, data: bytes) -> None:
    """Replace a file by ``data`` so that a reader sees the old one or the new one; OSError if it cannot be written."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _overwrite(path: str, data: bytes) -> None:
    """Write ``data`` over a file that exists, where there is no room for another one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_size <= len(data):
            os.pwrite(descriptor, data, 0)
    finally:
        os.close(descriptor)


class Meta:
    """The fields of run.json; `save` never raises (the disk may have filled up since)."""

    def __init__(self, run_path: str, job: Job, settings: Settings) -> None:
        self.path = os.path.join(run_path, META)
        self.fields: dict[str, Any] = {
            "mptrace": mptrace.__version__,
            "command": list(job.argv),
            "script": job.script,
            "python": f"{sys.version.split()[0]} {sys.executable}" if job.python else "",
            "host": socket.gethostname(),
            "cwd": os.getcwd(),
            "start_ns": time.monotonic_ns(),
            "start_wall_ns": time.time_ns(),
            "end_ns": None,
            "status": None,
            "ended_by": "",
            "hang_after_s": settings.hang_after_s,
            "on_hang": settings.on_hang,
            "launcher": os.getpid(),
            "launcher_start": start_ticks(os.getpid()),
            "main": None,
            "cores": cores(),
        }
        self.save()

    def save(self, **fields: Any) -> None:
        """Write the file with these fields changed."""
        self.fields.update(fields)
        data = json.dumps(self.fields, indent=1).encode()
        with contextlib.suppress(OSError):  # the recording stays readable with the older one, or without
            try:
                write_atomically(self.path, data.ljust(ROOM))
            except OSError:  # no room for another file: the old one has it
                _overwrite(self.path, data.ljust(ROOM))

    def end(self, status: int, ended_by: str, lost: int) -> None:
        """Complete it: ``status`` as the launcher exits with, ``lost``: observations that could not be written."""
        self.save(lost=lost, end_ns=time.monotonic_ns(), end_wall_ns=time.time_ns(), status=status, ended_by=ended_by)
