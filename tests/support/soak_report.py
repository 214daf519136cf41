"""What `report` says of a job that was used hard, and whether that is all there was to tell."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Told:
    """A line about the report, and what is wrong with it."""

    says: str
    wrong: list[str] = field(default_factory=list)


def told(output: str, processes: int, killed: int, *, ended: bool, room: bool) -> Told:
    """Ask for the report: all processes, the ends of so many that were ``killed``, and whether the run ``ended``, must be in it.

    ``room``: there was room to record everything, so nothing may be missing but what was being written when a process was killed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "mptrace", "report", output, "--format", "json"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return Told("", [f"no report: {done.stderr[-300:]}"])
    return Told(_line(said), [*_wrong(said, processes, killed, ended=ended), *(_missing(said) if room else ())])


def _line(said: dict) -> str:
    ends = Counter(_end(process["exit"]) for process in said["processes"])
    found = [f"{finding['rule']} ({finding['verdict']})" for finding in said["findings"][:4]]
    untraced = sum(not process["traced"] for process in said["processes"])
    lost = {name: count for name, count in said["lost"].items() if count}
    parts = [
        f"{len(said['processes'])} processes", *(f"{count} x {end}" for end, count in ends.most_common(4)),
        f"found: {', '.join(found) or 'nothing'}", f"untraced: {untraced}", f"lost: {lost or 'nothing'}",
    ]  # fmt: skip
    return "; ".join(parts)


def _end(how: dict | None) -> str:
    if how is None:
        return "no end"
    return f"signal {how['signal']}" if how["signal"] else f"exit {how['code']}"


def _wrong(said: dict, processes: int, killed: int, *, ended: bool) -> list[str]:
    signals = sum(bool(process["exit"] and process["exit"]["signal"]) for process in said["processes"])
    checks = {
        f"it tells of {len(said['processes'])} processes, there were {processes}": len(said["processes"]) != processes,
        f"it tells of {signals} killed, there were {killed}": signals < killed,
        "it does not tell whether the run ended": (said["run"]["end"] is not None) is not ended,
        f"rules failed: {said['broken']}": bool(said["broken"]),
        f"torn: {said['lost']['torn']}": said["lost"]["torn"] > len(said["processes"]),
    }
    return [what for what, wrong in checks.items() if wrong]


def _missing(said: dict) -> list[str]:
    lost = {
        name: said["lost"][name]
        for name in ("records", "locks", "connections", "damaged_files", "probes_off")
        if said["lost"][name]
    }
    untraced = sum(not process["traced"] for process in said["processes"])
    return [*([f"lost {lost}"] if lost else []), *([f"{untraced} untraced"] if untraced else [])]


def size_of(output: str) -> float:
    """Return the MiB of a run directory."""
    sizes: dict[int, int] = {}  # moments link to files of ended processes
    for path, _, names in os.walk(output):
        for name in names:
            with contextlib.suppress(OSError):  # it may go while we look
                found = os.lstat(os.path.join(path, name))
                sizes[found.st_ino] = found.st_blocks * 512
    return sum(sizes.values()) / 2**20
