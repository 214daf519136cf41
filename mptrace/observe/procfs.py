"""Small questions to /proc about one process or thread; answers are None or empty when it is gone or not ours to read."""

from __future__ import annotations

import os
from dataclasses import dataclass

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat says: ``start`` in clock ticks since boot, ``cpu_ticks`` user and system, ``exit_code`` a wait status."""

    pid: int
    comm: str
    state: str
    ppid: int
    cpu_ticks: int
    threads: int
    start: int
    exit_code: int


def read_bytes(path: str) -> bytes:
    """Return a file of /proc, b"" if it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return _read_all(descriptor)
    except OSError:  # the process ended between open and read
        return b""
    finally:
        os.close(descriptor)


def _read_all(descriptor: int) -> bytes:
    parts = [os.read(descriptor, 16384)]
    while parts[-1]:  # not at the first short read: /proc/PID/maps comes in pieces of a page
        parts.append(os.read(descriptor, 16384))
    return b"".join(parts)


def stat(pid: int, tid: int = 0) -> Stat | None:
    """Return the stat line of a process, or of one of its threads."""
    return parse_stat(read_bytes(f"/proc/{pid}/task/{tid}/stat" if tid else f"/proc/{pid}/stat"))


def parse_stat(line: bytes) -> Stat | None:
    """Return what a stat line says; the command's name may hold blanks and parentheses, so the last one counts."""
    front, bracket, back = line.rpartition(b")")
    fields = back.split()
    if not bracket or len(fields) < 50:
        return None
    pid, _, comm = front.partition(b" (")
    return Stat(
        pid=int(pid),
        comm=comm.decode("utf-8", "replace"),
        state=fields[0].decode("ascii", "replace"),
        ppid=int(fields[1]),
        cpu_ticks=int(fields[11]) + int(fields[12]),
        threads=int(fields[17]),
        start=int(fields[19]),
        exit_code=int(fields[49]),
    )


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes, 0 if it is gone."""
    fields = read_bytes(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


_PAGE = os.sysconf("SC_PAGE_SIZE")


def start_ticks(pid: int) -> int:
    """Return the start time of a process in clock ticks since boot, 0 if it is gone."""
    found = stat(pid)
    return found.start if found else 0


def tids(pid: int) -> list[int]:
    """Return the native ids of a process's threads."""
    try:
        return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return []


def children(pid: int) -> list[int]:
    """Return the pids of a process's children, zombies too."""
    found: list[int] = []
    for tid in tids(pid):
        found += map(int, read_bytes(f"/proc/{pid}/task/{tid}/children").split())
    return found


def command(pid: int) -> list[str]:
    """Return the argv of a process; empty for a zombie."""
    data = read_bytes(f"/proc/{pid}/cmdline")
    return [word.decode("utf-8", "backslashreplace") for word in data.split(b"\0")[:-1]]


def executable(pid: int) -> str:
    """Return the path of the program that a process runs."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def environment(pid: int) -> dict[str, str]:
    """Return the environment a process was started with."""
    data = read_bytes(f"/proc/{pid}/environ")
    pairs = (word.decode("utf-8", "surrogateescape").partition("=") for word in data.split(b"\0") if word)
    return {name: value for name, _, value in pairs}


def limit(pid: int, name: str) -> int:
    """Return the soft limit of that name as /proc/PID/limits calls it; -1 if there is none, or it cannot be told."""
    for line in read_bytes(f"/proc/{pid}/limits").decode("ascii", "replace").splitlines():
        if line.startswith(name):
            word = line[len(name) :].split()[0]
            return int(word) if word.isdecimal() else -1
    return -1
