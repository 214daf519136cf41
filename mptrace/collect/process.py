"""Read one process's recorder file: its head, its log with all segments, and its last words; up to the damage, never beyond."""

from __future__ import annotations

import os

from mptrace.collect.head import read_head, trouble_with
from mptrace.collect.log import read_part
from mptrace.collect.recording import Head, ProcessFile
from mptrace.collect.regular import open_regular
from mptrace.wire import layout, rundir

WORDS_LIMIT = 256 * 1024
"""Most bytes of last words that are read."""


def read_process(directory: str, name: str, segments: list[int]) -> ProcessFile:
    """Read a recorder file by its name in ``directory`` and the numbers of its segments; damage is noted, never raised."""
    pid, opened_ns, _ = rundir.parse_name(name) or (0, 0, 0)
    process = ProcessFile(name, pid, opened_ns)
    data = _read(f"{directory}/{name}", layout.SIZE + WORDS_LIMIT, process)
    trouble = trouble_with(data)
    if trouble:
        process.begun = any(data)
        process.damage.append(f"{name}: {trouble}")
        return process
    _read_first(data, f"{directory}/{name}", process)
    for number in sorted(segments):
        _read_segment(f"{directory}/{name}.{number}", number, process)
    process.log.settle()
    if sorted(segments) != list(range(1, len(segments) + 1)):
        process.damage.append(f"{name}: a segment of its log is missing")
    if process.log.damaged:
        process.damage.append(f"{name}: {process.log.damaged} records of its log are damaged")
    return process


def read_copied_head(path: str) -> tuple[Head | None, str]:
    """Read the head of a copy that nobody writes to any more, and say what is wrong with it."""
    try:
        with open_regular(path) as file:
            data = file.read(layout.LOG)
    except OSError as trouble:
        return None, str(trouble)
    said = trouble_with(data)
    return (None, said) if said else (read_head(data, data), "")


def _read(path: str, limit: int, process: ProcessFile) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(limit)
    except OSError as trouble:
        process.damage.append(f"{os.path.basename(path)}: {trouble.strerror or trouble}")
        return b""


def _read_first(data: bytes, path: str, process: ProcessFile) -> None:
    again = _read(path, layout.LOG, process)
    process.head = read_head(data, again)
    if len(data) < layout.SIZE:
        process.damage.append(f"{process.name}: it was cut after {len(data)} of {layout.SIZE} bytes")
    read_part(data[layout.LOG : layout.SIZE], process.log, 0, path, layout.LOG)
    process.last_words = data[layout.SIZE :].decode("utf-8", "replace").replace("\0", "").splitlines()


def _read_segment(path: str, number: int, process: ProcessFile) -> None:
    data = _read(path, layout.SEGMENT_SIZE, process)
    trouble = trouble_with(data)
    if trouble:
        process.damage.append(f"{os.path.basename(path)}: {trouble}")
        return
    base = layout.LOG_SIZE + (number - 1) * layout.SEGMENT_LOG_SIZE
    read_part(data[layout.HEADER_SIZE :], process.log, base, path, layout.HEADER_SIZE)
