"""Finds a recorded run by what the user calls it."""

from __future__ import annotations

import os

from mptrace.collect.run import is_run, newest_run
from mptrace.errors import BadRecording
from mptrace.launch.directory import fallback_home, runs_home


def find_run(name: str) -> str:
    """Return the path of a run: a directory, the beginning of a name in .mptrace, or "" for the newest; BadRecording if none."""
    if not name:
        return _newest()
    if os.path.exists(name):
        return newest_run(name) if os.path.isdir(name) and not is_run(name) and _holds_runs(name) else name
    found = [entry for entry in _entries(runs_home()) if entry.startswith(name)]
    if not found:
        raise BadRecording(f"There is no run {name}.", f"Runs are kept in {runs_home()}; mptrace report takes a directory too.")
    return max((os.path.join(runs_home(), entry) for entry in found), key=os.path.getmtime)


def _newest() -> str:
    try:
        return newest_run(runs_home())
    except BadRecording:
        if _holds_runs(fallback_home()):
            return newest_run(fallback_home())
        raise


def _holds_runs(directory: str) -> bool:
    return any(is_run(os.path.join(directory, entry)) for entry in _entries(directory))


def _entries(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []
