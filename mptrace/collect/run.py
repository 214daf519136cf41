"""Read a run directory into a Recording; trust nothing in it."""

from __future__ import annotations

import json
import os
from collections import defaultdict

from mptrace.collect.log import read_stream
from mptrace.collect.process import read_copied_head, read_process
from mptrace.collect.recording import META_NAMES, MomentFiles, Recording, TallyCell
from mptrace.collect.records import Log
from mptrace.collect.regular import open_regular
from mptrace.collect.sources import keep_sources, read_sources
from mptrace.errors import BadRecording
from mptrace.wire import layout, rundir

JSON_LIMIT = 64 << 20
"""Most bytes of a JSON file of the run directory that are read."""


def read_run(path: str) -> Recording:
    """Read a run directory; BadRecording if it is none or nothing in it is ours, damage inside it is only noted."""
    _must_be_run(path)
    path = os.path.abspath(path)  # what is read later must be found from anywhere
    recording = Recording(path)
    recording.meta = _read_json(path, rundir.META, recording)
    recording.observer = _read_observer(path, recording)
    _read_processes(os.path.join(path, rundir.PROCESSES), recording)
    _read_dropped(path, recording)
    _read_moments(os.path.join(path, rundir.MOMENTS), recording)
    _must_tell_something(recording)
    recording.sources = read_sources(recording, _read_json(path, rundir.SOURCES, recording))
    return recording


def save_sources(path: str) -> None:
    """Keep the sources of a run that has just ended in its directory; does nothing if that is impossible."""
    try:
        keep_sources(read_run(path))
    except (BadRecording, OSError):
        return


def newest_run(directory: str) -> str:
    """Return the path of the newest run directory in ``directory``; BadRecording if there is none."""
    try:
        entries = [entry.path for entry in os.scandir(directory) if entry.is_dir() and is_run(entry.path)]
    except OSError:
        entries = []
    if not entries:
        raise BadRecording(
            f"There is no recorded run in {directory}.",
            "Record one with: python -m mptrace script.py   (or name a run directory)",
        )
    return max(entries, key=_age)


def is_run(path: str) -> bool:
    """Does this look like a run directory?"""
    return any(os.path.exists(os.path.join(path, name)) for name in META_NAMES)


def _age(path: str) -> tuple[float, str]:
    try:
        return os.stat(os.path.join(path, rundir.META)).st_mtime, path
    except OSError:
        return os.stat(path).st_mtime if os.path.exists(path) else 0.0, path


def _must_be_run(path: str) -> None:
    if not os.path.exists(path):
        raise BadRecording(f"{path} does not exist.", "Runs are kept in .mptrace/ where the job was started.")
    if not os.path.isdir(path):
        raise BadRecording(f"{path} is a file, not a run directory.", "Name the folder that holds run.json and processes/.")
    if not os.access(path, os.R_OK | os.X_OK):
        raise BadRecording(f"{path} may not be read.", "It belongs to another user, or its mode was changed.")
    if not is_run(path):
        raise BadRecording(
            f"{path} is not a run directory of mptrace: it has no run.json and no processes/.",
            "Runs are the folders inside .mptrace/, named like train-20261121-140231-4119.",
        )


def _must_tell_something(recording: Recording) -> None:
    damage = [*recording.damage, *(f"{file.name}: {one}" for file in recording.processes for one in file.damage)]
    if damage and not recording.meta and recording.observer is None and not any(file.head for file in recording.processes):
        raise BadRecording(
            f"Nothing in {recording.path} is a recording that this version of mptrace can read ({damage[0]}).",
            "It is another program's folder, another version's, or all of it is damaged; nothing in it was changed.",
        )


def _read_json(path: str, name: str, recording: Recording) -> dict[str, object]:
    full = os.path.join(path, name)
    if not os.path.exists(full):
        return {}
    try:
        with open_regular(full) as file:
            found = json.loads(file.read(JSON_LIMIT))
    except (OSError, ValueError, RecursionError) as trouble:
        recording.damage.append(f"{name}: {trouble}")
        return {}
    if not isinstance(found, dict):
        recording.damage.append(f"{name}: it does not hold what it should")
        return {}
    return found


def _read_observer(path: str, recording: Recording) -> Log | None:
    log, full = Log(), os.path.join(path, rundir.OBSERVER)
    try:
        with open_regular(full) as file:
            if file.read(len(rundir.LOG_MAGIC)) != rundir.LOG_MAGIC:
                recording.damage.append(f"{rundir.OBSERVER}: it is not a log of this version of mptrace")
                return None
            read_stream(file, log, len(rundir.LOG_MAGIC), full)
    except FileNotFoundError:
        return None
    except OSError as trouble:
        recording.damage.append(f"{rundir.OBSERVER}: {trouble.strerror or trouble}")
        return None
    if log.damaged:
        recording.damage.append(f"{rundir.OBSERVER}: {log.damaged} records are damaged")
    return log


def _read_processes(directory: str, recording: Recording) -> None:
    segments: dict[str, list[int]] = defaultdict(list)
    firsts = []
    for name in _names(directory, recording):
        parsed = rundir.parse_name(name)
        if parsed is None:
            _note_mark(name, recording)
        elif parsed[2] == 0 and name.endswith(rundir.RECORDING):
            firsts.append(name)
        elif 0 < parsed[2] <= layout.SEGMENTS:
            segments[rundir.recording_name(*parsed[:2])].append(parsed[2])
    for name in firsts:
        recording.processes.append(read_process(directory, name, segments.pop(name, [])))
    recording.damage += [f"{name}: only its segments are there" for name in segments]


def _names(directory: str, recording: Recording) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    except OSError as trouble:
        recording.damage.append(f"{os.path.basename(directory)}/: {trouble.strerror or trouble}")
        return []


def _note_mark(name: str, recording: Recording) -> None:
    pid, _, opened = name.removesuffix(rundir.SEEN).partition("-")
    if name.endswith(rundir.SEEN) and pid.isdecimal() and opened.isdecimal() and len(name) < 64:
        recording.seen.append((int(pid), int(opened)))


def _read_dropped(path: str, recording: Recording) -> None:
    try:
        with open_regular(os.path.join(path, rundir.DROPPED)) as file:
            lines = file.read(JSON_LIMIT).decode("ascii", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        name, *counts = line.split()[:100] or [""]
        parsed = rundir.parse_name(name + rundir.RECORDING)
        if parsed is None or len(name) > 64 or parsed[2]:
            continue
        recording.seen.append(parsed[:2])
        recording.dropped[parsed[:2]] = [cell for cell in map(_tally, counts) if cell]


def _tally(text: str) -> TallyCell | None:
    words = [int(word) for word in text.split(":") if word.isascii() and word.isdecimal() and len(word) < 21]
    return TallyCell(*words) if len(words) == 4 else None


def _read_moments(directory: str, recording: Recording) -> None:
    for name in _names(directory, recording):
        if not (name.isdecimal() and len(name) < 10):
            continue
        moment = MomentFiles(int(name))
        for file in _names(os.path.join(directory, name), recording):
            parsed = rundir.parse_name(file)
            if parsed is None or parsed[2]:
                continue
            head, trouble = read_copied_head(os.path.join(directory, name, file))
            if head is None:
                moment.damage.append(f"moments/{name}/{file}: {trouble}")
            else:
                moment.heads[parsed[:2]] = head
        recording.moments.append(moment)
    recording.moments.sort(key=lambda moment: moment.number)
