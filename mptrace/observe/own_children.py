"""Programs that we start ourselves (py-spy): children of ours that are no part of the job."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from threading import Lock

lock = Lock()
"""Held while one is started, and by whoever lists our children, so that none is taken for a process of the job."""

pids: set[int] = set()


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program with its output in a pipe and nothing of the job's streams; hand it to `finish`."""
    with lock:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        pids.add(process.pid)
    return process


def finish(process: subprocess.Popen[bytes], timeout_s: float) -> tuple[int, bytes, bytes]:
    """Return (exit status, output, errors) of a program; one that takes longer is killed and returns -9."""
    try:
        output, errors = process.communicate(timeout=max(timeout_s, 0.01))
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
    finally:
        with lock:
            pids.discard(process.pid)
    return process.returncode, output, errors
