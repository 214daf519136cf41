"""Remove the oldest recordings of a directory of runs: by number and by size, never one that is still being written."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass

from mptrace.observe.procfs import start_ticks
from mptrace.wire.rundir import META

RUNS = 50
BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Kept:
    """A run that may be removed; ``began`` wall clock seconds, ``size`` bytes."""

    path: str
    began: float
    size: int


def prune(home: str, runs: int = RUNS, size: int = BYTES) -> list[str]:
    """Remove runs of ``home`` until at most so many, of at most so many bytes together, are left; returns their paths."""
    ended = sorted(_ended_runs(home), key=lambda run: run.began, reverse=True)
    removed, total = [], 0
    for number, run in enumerate(ended):
        total += run.size
        if number >= runs or total > size:
            shutil.rmtree(run.path, ignore_errors=True)
            removed.append(run.path)
    return removed


def _ended_runs(home: str) -> list[Kept]:
    try:
        entries = [entry for entry in os.scandir(home) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    found = []
    for entry in entries:
        meta = os.path.join(entry.path, META)
        if os.path.isfile(meta) and not _is_live(meta):  # what has no run.json is not ours to remove
            found.append(Kept(entry.path, os.path.getmtime(meta), _size(entry.path)))
    return found


def _is_live(meta: str) -> bool:
    """Is its launcher still there, or can that not be told?"""
    try:
        with open(meta, "rb") as file:
            fields = json.load(file)
        launcher, start = int(fields["launcher"]), int(fields["launcher_start"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return start != 0 and start_ticks(launcher) == start


def _size(path: str) -> int:
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:  # removed by somebody else
                continue
    return total
