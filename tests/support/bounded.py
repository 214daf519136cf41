"""Run a command for a bounded time and leave nothing of it running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

TOKEN = "MPTRACE_SCENARIO_TOKEN"
"""Environment variable by which every process of one command is found again, in whatever session it hides."""

GRACE_S = 3.0
"""How long a resource tracker or a killed process may take to go."""

_running: set[str] = set()


@dataclass
class Ended:
    """How a command ended; ``status`` is None if it had to be ended."""

    status: int | None
    stdout: str
    stderr: str
    seconds: float
    left: list[str] = field(default_factory=list)
    """Commands that were still running when the command had ended by itself."""
    lines: list[tuple[float, str]] = field(default_factory=list)
    """Lines of stderr with the seconds since the start at which they came."""


def run(command: list[str], env: dict[str, str], timeout_s: float, stdin_after_s: float | None = None) -> Ended:
    """Run ``command``; its stdin stays open and gets one line after ``stdin_after_s`` seconds."""
    token = uuid.uuid4().hex
    _running.add(token)
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**env, TOKEN: token},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    out: list[tuple[float, str]] = []
    err: list[tuple[float, str]] = []
    readers = [_reader(process.stdout, out, began), _reader(process.stderr, err, began)]
    typist = _typist(process.stdin, stdin_after_s)
    status, left, seconds = None, [], timeout_s
    try:
        status = process.wait(timeout_s)
        seconds = time.monotonic() - began
        left = _wait_until_gone(token)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _end(process, token)
        typist.cancel()
        _running.discard(token)
    for reader in readers:
        reader.join(GRACE_S)
    return Ended(status, _text(out), _text(err), seconds, left, err)


def end_all() -> None:
    """End every process that any command run from here has left."""
    for token in tuple(_running):
        for pid in _members(token):
            with contextlib.suppress(OSError):  # gone meanwhile
                os.kill(pid, signal.SIGKILL)


def _text(lines: list[tuple[float, str]]) -> str:
    return "".join(line for _, line in lines)


def _reader(stream: IO[bytes] | None, lines: list[tuple[float, str]], began: float) -> threading.Thread:
    assert stream is not None

    def read() -> None:
        lines.extend((time.monotonic() - began, line.decode(errors="replace")) for line in stream)
        stream.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _typist(stream: IO[bytes] | None, after_s: float | None) -> threading.Timer:
    assert stream is not None

    def write() -> None:
        with contextlib.suppress(OSError):  # it has ended without reading
            stream.write(b"go on\n")
            stream.flush()

    timer = threading.Timer(after_s or 0, write)
    timer.daemon = True
    if after_s is not None:
        timer.start()
    return timer


def _members(token: str) -> dict[int, str]:
    mark = f"{TOKEN}={token}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "environ").read_bytes():
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:100]
        except OSError:
            continue  # gone meanwhile
    return found


def _wait_until_gone(token: str) -> list[str]:
    until = time.monotonic() + GRACE_S
    while (members := _members(token)) and time.monotonic() < until:
        time.sleep(0.05)
    return list(members.values())


def _end(process: subprocess.Popen[bytes], token: str) -> None:
    until = time.monotonic() + GRACE_S
    while time.monotonic() < until:
        members = _members(token)
        if not members:
            break
        for pid in members:
            with contextlib.suppress(OSError):  # gone meanwhile
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    process.wait(GRACE_S)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
