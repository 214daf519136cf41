"""Start jobs under mptrace as a user would, and read what the observer wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mptrace.collect.records import Record
from mptrace.collect.run import read_run
from tests.support import bounded

HOME = Path(__file__).resolve().parents[2]
TIMEOUT_S = 40.0


def environment(**more: str) -> dict[str, str]:
    """Return our environment without anything of mptrace's, and with this checkout importable."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MPTRACE_", "_MPTRACE", "PYTHON"))}
    return {**env, "PYTHONPATH": str(HOME), **more}


def write_script(folder: Path, code: str, name: str = "job.py") -> Path:
    """Write a program for a test."""
    path = folder / name
    path.write_text(textwrap.dedent(code))
    return path


def command(*words: str | Path, python: tuple[str, ...] = ()) -> list[str]:
    """Return the command line of mptrace with these words."""
    return [sys.executable, *python, "-m", "mptrace", *map(str, words)]


def launch(folder: Path, *words: str | Path, python: tuple[str, ...] = (), **env: str) -> bounded.Ended:
    """Run mptrace in a directory until it ends; nothing of it is left running."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return bounded.run(command(*words, python=python), environment(**env), TIMEOUT_S)
    finally:
        os.chdir(before)


@contextmanager
def launched(folder: Path, *words: str | Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start mptrace and go on; its stdout is a pipe to read what the job says. Killed at the end with all it started."""
    process = subprocess.Popen(
        command(*words), cwd=folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, **options,
    )  # fmt: skip
    try:
        yield process
    finally:
        kill_session(process.pid)
        process.communicate(timeout=TIMEOUT_S)


def kill_session(session: int) -> None:
    """Kill every process of a session that a test began."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session:
                    os.kill(int(entry.name), 9)
            except OSError:  # gone meanwhile
                continue


def only_run(folder: Path) -> Path:
    """Return the one run directory that was made below ``folder``."""
    (found,) = [path.parent for path in (folder / ".mptrace").glob("*/run.json")]
    return found


def meta(folder: Path) -> dict[str, Any]:
    """Return run.json of the one run."""
    found: dict[str, Any] = json.loads((only_run(folder) / "run.json").read_text())
    return found


def observed(run: Path, name: str) -> list[Record]:
    """Return the observer's records of one kind (``seen.exit``)."""
    observer = read_run(str(run)).observer
    return [record for record in observer.records if record.kind.name == name] if observer else []


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something that another process does; AssertionError if it does not happen in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Is this process there, and no zombie?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
