"""The run directory: where it is, how it is made, and what happens where nothing can be written."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from dataclasses import dataclass

from mptrace.errors import BadUse
from mptrace.launch.filesystem import is_remote
from mptrace.wire.rundir import META, MOMENTS, PROCESSES

HOME_NAME = ".mptrace"
IGNORE_ALL = "# written by mptrace\n*\n"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """``path`` is absolute, "" if nothing is writable; ``notice``: what the user must know about that, in one line.

    ``home``: where it is to be brought when the job has ended, "" if it is there already.
    """

    path: str
    notice: str = ""
    home: str = ""

    @property
    def shown(self) -> str:
        """Where a reader finds it while the job runs, and afterwards if that can be."""
        return self.home if os.path.islink(self.home) else self.path


def runs_home() -> str:
    """Return the absolute path of the directory that holds the runs: $MPTRACE_DIR or .mptrace here."""
    return os.path.abspath(os.environ.get("MPTRACE_DIR") or HOME_NAME)


def fallback_home() -> str:
    """Return where runs go if the working directory is read-only: a directory of the user's own below $TMPDIR."""
    return os.path.join(tempfile.gettempdir(), f"mptrace-{os.getuid()}")


def make_run_directory(label: str, output: str = "") -> RunDirectory:
    """Make the directory of a run, or find out that there can be none; BadUse only for a bad ``--output``."""
    name = run_name(label)
    if output:
        path = _make_output(os.path.abspath(output))
        return _nearer(path, name) or RunDirectory(path)
    try:
        path = _make(runs_home(), name)
        return _nearer(path, name) or RunDirectory(path)
    except OSError as trouble:
        first = f"{os.path.dirname(runs_home())}: {trouble.strerror}"
    try:
        path = _make(fallback_home(), name)
    except OSError as trouble:
        return RunDirectory("", f"not recorded: {first}; {fallback_home()}: {trouble.strerror}")
    return RunDirectory(path, f"recording to {path} ({first})")


def run_name(label: str) -> str:
    """Return ``train-20240131T140233-4119``: sorts by time among the runs of one script, never taken twice."""
    safe = re.sub(r"[^A-Za-z0-9_.]+", "_", label).strip("._")[:60] or "run"
    return f"{safe}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"


def _make(home: str, name: str) -> str:
    os.makedirs(home, mode=0o700, exist_ok=True)
    _refuse_foreign(home)
    ignore = os.path.join(home, ".gitignore")
    if not os.path.exists(ignore):
        with open(ignore, "w", encoding="utf-8") as file:
            file.write(IGNORE_ALL)
    path = os.path.join(home, name)
    os.mkdir(path, 0o700)
    fill(path)
    return path


def _nearer(path: str, name: str) -> RunDirectory | None:
    """Return a directory on a local disk instead of one that was just made on another machine's; None if there is no need, or no way.

    A link stands where it will be, so that who looks for the run finds it, also if the launcher is killed.
    """
    if not is_remote(path) or is_remote(fallback_home()):
        return None
    try:
        local = _make(fallback_home(), name)
    except OSError:
        return None
    with contextlib.suppress(OSError):  # holds something of the user's, or no links there
        for part in (PROCESSES, MOMENTS, ""):
            os.rmdir(os.path.join(path, part))
        os.symlink(local, path)
    return RunDirectory(local, home=path)


def _refuse_foreign(home: str) -> None:
    """In a shared temporary directory, somebody else may have made it first."""
    if home == fallback_home() and os.stat(home).st_uid != os.getuid():
        raise PermissionError(13, "belongs to another user")


def _make_output(path: str) -> str:
    if os.path.exists(os.path.join(path, META)):
        raise BadUse(f"--output {path}: holds a recording already", "name a new directory, or remove that one")
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        fill(path)
    except OSError as trouble:
        raise BadUse(f"--output {path}: {trouble.strerror}") from None
    return path


def fill(path: str) -> None:
    """Make the parts of a run directory."""
    for part in (PROCESSES, MOMENTS):
        os.makedirs(os.path.join(path, part), mode=0o700, exist_ok=True)
