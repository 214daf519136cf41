"""The lines of the program that a recording points at: kept in the run directory, so that it can be read elsewhere and later."""

from __future__ import annotations

import json
import os
import sysconfig
from collections.abc import Iterator

from mptrace.collect.recording import Recording
from mptrace.collect.regular import open_regular
from mptrace.wire import rundir
from mptrace.wire.event import BODY
from mptrace.wire.events import observations, processes, sites

FILE_LIMIT = 2 << 20
"""Longest source file that is kept, in bytes."""

TOTAL_LIMIT = 32 << 20
"""Most bytes of sources that are kept for one run."""


_STDLIB = sysconfig.get_path("stdlib") + "/"
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def read_sources(recording: Recording, kept: dict[str, object]) -> dict[str, list[str]]:
    """Return file -> lines: those that were kept, else those on disk that did not change since the run."""
    found = {name: [str(line) for line in lines] for name, lines in kept.items() if isinstance(lines, list)}
    return found or _from_disk(recording)


def keep_sources(recording: Recording) -> None:
    """Keep the sources of a run that has just ended in its directory; does nothing if that is impossible."""
    sources = recording.sources or _from_disk(recording)
    fresh = os.path.join(recording.path, rundir.SOURCES + ".new")
    try:
        with open(fresh, "w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(sources, file)
        os.replace(fresh, os.path.join(recording.path, rundir.SOURCES))
    except OSError:
        return
    recording.sources = sources


def is_program(file: str) -> bool:
    """Is this a file of the program: neither the standard library, nor installed, nor ours, nor made up?"""
    return bool(file) and not file.startswith("<") and not is_ours(file) and not is_library(file)


def is_ours(file: str) -> bool:
    """Is this a file of the agent?"""
    return file.startswith(_OURS) or "/mptrace/agent/" in file


def is_library(file: str) -> bool:
    """Is this a file of a Python's standard library or of an installed package?"""
    if file.startswith("<frozen"):
        return True
    normal = file.replace("\\", "/")
    if "/site-packages/" in normal or "/dist-packages/" in normal:
        return True
    return any(f"/lib{bits}/python3." in normal for bits in ("", "64")) or normal.startswith(_STDLIB)


def _from_disk(recording: Recording) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    room, end_s = TOTAL_LIMIT, _end_s(recording)
    for name in dict.fromkeys(_files(recording)):
        lines, size = _read_lines(name, min(FILE_LIMIT, room), end_s)
        if lines:
            found[name] = lines
            room -= size
    return found


def _end_s(recording: Recording) -> float:
    """Return the wall clock of the run's end, in s since the epoch; for ever if it is not known."""
    end = recording.meta.get("end_wall_ns")
    return end / 1e9 if isinstance(end, int) and end > 0 else float("inf")


def _files(recording: Recording) -> Iterator[str]:
    logs = [process.log for process in recording.processes]
    for log in [*logs, recording.observer] if recording.observer else logs:
        names = {str(record.fields["target_file"]): None for record in log.of(processes.RUNNING)}
        for kind, at in _FILE_AT:
            texts = dict.fromkeys(_text_at(body, at) for body in log.bodies(kind))
            names.update((text.decode("utf-8", "replace"), None) for text in texts)
        yield from filter(is_program, names)


_FILE_AT = ((sites.SITE, BODY.size + 8), (observations.FRAME, BODY.size + 4 * 8))
"""Kinds with a file, and where in their records it stands: there may be millions of them, and few files."""


def _text_at(body: bytes, at: int) -> bytes:
    return body[at + 2 : at + 2 + int.from_bytes(body[at : at + 2], "little")]


def _read_lines(name: str, limit: int, end_s: float) -> tuple[list[str], int]:
    try:
        stat = os.stat(name)
        if stat.st_size > limit or stat.st_mtime > end_s:
            return [], 0
        with open_regular(name) as file:
            return file.read(limit).decode("utf-8", "replace").splitlines(), stat.st_size
    except (OSError, ValueError):
        return [], 0
