"""`make bench-judge`: how long reading and judging takes, and how much memory, for large recordings; targets beside the figures.

The recordings are written by hand, in the bytes of the agent: what costs time is their size and not what they tell.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from struct import pack_into

from mptrace.wire import layout, rundir
from mptrace.wire.event import encode
from mptrace.wire.events import failures, observations, processes, sites, tasks, threads

EVENTS = 10_000_000
LIMIT_S, LIMIT_MB = 10.0, 500
TRACEBACK = "Traceback (most recent call last):\n" + '  File "/job/train.py", line 41, in load\n    return decode(name)\n' * 4
SECOND = 1_000_000_000


class Wrote:
    """A run directory in the making; counts what it writes."""

    def __init__(self, path: str) -> None:
        self.path, self.events = path, 0
        os.makedirs(os.path.join(path, rundir.PROCESSES))
        self.observer = open(os.path.join(path, rundir.OBSERVER), "wb")  # noqa: SIM115 - closed in end()
        self.observer.write(rundir.LOG_MAGIC)

    def see(self, at_ns: int, kind: object, *values: int | str) -> None:
        """Write an event of the observer."""
        self.observer.write(encode(kind, 0, at_ns, values))  # type: ignore[arg-type]
        self.events += 1

    def process(self, pid: int, opened_ns: int, parent: int, records: Iterator[bytes]) -> None:
        """Write a process's file and as many segments as its records fill."""
        first = self._file(pid, opened_ns, parent, layout.SIZE, layout.LOG)
        parts, room = [first], layout.LOG
        for record in records:
            if room + len(record) > len(parts[-1]):
                if len(parts) > layout.SEGMENTS:
                    break
                parts.append(self._file(pid, opened_ns, parent, layout.SEGMENT_SIZE, layout.HEADER_SIZE))
                room = layout.HEADER_SIZE
            parts[-1][room : room + len(record)] = record
            room += len(record)
            self.events += 1
        for number, part in enumerate(parts):
            name = rundir.recording_name(pid, opened_ns, number)
            with open(os.path.join(self.path, rundir.PROCESSES, name), "wb") as file:
                file.write(part)

    def _file(self, pid: int, opened_ns: int, parent: int, size: int, log: int) -> bytearray:
        data = bytearray(size)
        words = {
            layout.H_MAGIC: int.from_bytes(layout.MAGIC, "little"), layout.H_VERSION: layout.VERSION | layout.HEADER_SIZE << 32,
            layout.H_PID: pid, layout.H_PPID: parent, layout.H_TID: pid, layout.H_OPENED: opened_ns, layout.H_PYTHON: 0x030B07F0,
            layout.H_LOG: log, layout.H_LOG_SIZE: size - log, layout.H_SIZE: size, layout.H_ENDED: opened_ns + SECOND if parent else 0,
        }  # fmt: skip
        for word, value in words.items():
            pack_into("<Q", data, word * 8, value)
        return data

    def end(self, main: int) -> None:
        """Write what the launcher writes at the end."""
        self.see(10**15, observations.ENDED, 0, "")
        self.observer.close()
        said = {"command": ["train.py"], "script": "/job/train.py", "main": main, "start_ns": 1, "end_ns": 10**15, "status": 0}
        with open(os.path.join(self.path, rundir.META), "w") as file:
            json.dump(said, file)


def life(pid: int, opened_ns: int) -> list[bytes]:
    """Return the records of a child's life."""
    return [
        encode(processes.BOOTED, pid, opened_ns, ("fork", "/usr/bin/python3", "3.11.7", "train.py", "/job", "", "fork", 0)),
        encode(processes.RUNNING, pid, opened_ns, (f"Process-{pid}", "load", 0, "fork", "/job/train.py", 12)),
        encode(processes.RETURNED, pid, opened_ns + SECOND, (0,)),
    ]


def busy(pid: int, opened_ns: int) -> list[bytes]:
    """Return what a busy process records: mostly tasks handed out, with sites and stacks, threads, tasks that raise."""
    found = []
    for number in range(1, 3001):
        at_ns, key = opened_ns + number * 1000, pid << 32
        found.append(encode(tasks.SUBMITTED, pid, at_ns, (key, number, 1, "train.preprocess", "Pool.apply_async", number % 40)))
        if number % 20 == 0:
            found.append(encode(sites.SITE, pid, at_ns, (number, "/job/train.py", number, "preprocess")))
            found.append(encode(sites.STACK, pid, at_ns, (number, "1 2 3 4 5 6 7 8")))
        if number % 100 == 0:
            found.append(encode(tasks.FAILED, pid, at_ns, (key, number, 0, "train.load", "OSError", "gone", TRACEBACK, 20)))
            found.append(encode(threads.STARTED, pid, at_ns, (number, pid + number, "t", "fetch", 0, "user", 0, 20)))
            found.append(encode(threads.ENDED, pid, at_ns, (pid + number,)))
    return found


def large(path: str, events: int) -> int:
    """Write processes that each recorded all they may (`layout.SEGMENTS`) until there are so many events; one died of an exception."""
    run, pid = Wrote(path), 1000
    bulk = busy(pid, 2 * SECOND)
    children = range(pid + 1, pid + 10_000)
    started = []
    for child in children:
        if run.events >= events:
            break
        opened = (child - pid) * SECOND
        run.see(opened, observations.SEEN, child, pid, child, "python3 train.py", "/usr/bin/python3", "")
        run.process(child, opened, pid, (record for many in (life(child, opened), *[bulk] * 20) for record in many))
        run.see(opened + SECOND, observations.EXITED, child, 0, "pidfd", 0)
        started.append(encode(processes.STARTED, pid, opened, (child, f"Process-{child}", "load", 0, "fork", 1, 0, 1000)))
    error = encode(failures.UNCAUGHT, pid, 10**14, ("ValueError", "no such column", TRACEBACK, 1, "main"))
    run.process(pid, 1, 1, iter([*started, error]))
    run.see(1, observations.SEEN, pid, 1, pid, "python3 train.py", "/usr/bin/python3", "")
    run.end(pid)
    return run.events


def short(path: str, count: int = 1000) -> int:
    """Write so many processes that each lived for a second."""
    run, pid = Wrote(path), 1000
    started = []
    for child in range(pid + 1, pid + 1 + count):
        opened = (child - pid) * SECOND // 10
        run.see(opened, observations.SEEN, child, pid, child, "python3 train.py", "/usr/bin/python3", "")
        run.process(child, opened, pid, iter(life(child, opened)))
        run.see(opened + SECOND, observations.EXITED, child, -9 if child % 100 == 0 else 0, "pidfd", 0)
        started.append(encode(processes.STARTED, pid, opened, (child, f"Process-{child}", "load", 0, "fork", 1, 0, 1000)))
    run.process(pid, 1, 1, iter(started))
    run.end(pid)
    return run.events


def judge(path: str) -> None:
    """Read and judge, and print what it took; in a process of its own."""
    from mptrace.collect import read_run
    from mptrace.diagnose.engine import diagnose
    from mptrace.model.build import build_run

    marks = [(time.monotonic(), time.process_time())]
    steps: tuple[Callable[..., object], ...] = (read_run, build_run, diagnose)
    made: object = path
    for step in steps:
        made = step(made)
        marks.append((time.monotonic(), time.process_time()))
    wall = [after[0] - before[0] for before, after in pairwise(marks)]
    print(json.dumps({
        "wall": wall, "cpu": marks[-1][1] - marks[0][1], "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "found": [finding.rule for finding in made.findings][:5],  # type: ignore[attr-defined]
    }))  # fmt: skip


def report(name: str, events: int, path: str) -> bool:
    """Judge a recording in a process of its own, print a line of the table, and say whether it met the targets."""
    size = sum(entry.stat().st_size for entry in os.scandir(os.path.join(path, rundir.PROCESSES))) / 2**20
    done = subprocess.run([sys.executable, __file__, "--judge", path], capture_output=True, text=True, timeout=300, check=True)
    took = json.loads(done.stdout)
    read, build, diagnose = took["wall"]
    total = sum(took["wall"])
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)  # others have the cores: then CPU time is what can be told
    met = bool((took["cpu"] if busy else total) < LIMIT_S and took["mb"] < LIMIT_MB)
    print(
        f"{name:18} {events:>10,} {size:7.0f} {read:7.2f} {build:7.2f} {diagnose:7.2f} {total:7.2f} {took['cpu']:7.2f}"
        f" {took['mb']:7.0f}  {'met' if met else 'MISSED'}  {', '.join(took['found'])}",
        flush=True,
    )
    return met


def main(arguments: list[str]) -> int:
    """Write, judge and remove each recording; exit status 1 if a target was missed."""
    if arguments[:1] == ["--judge"]:
        judge(arguments[1])
        return 0
    events = int(arguments[0]) if arguments else EVENTS
    print(f"Targets: {LIMIT_S:.0f} s and {LIMIT_MB} MB; seconds on the wall, all in one process; load {os.getloadavg()[0]:.1f}")
    print(f"{'recording':18} {'events':>10} {'MiB':>7} {'read':>7} {'build':>7} {'rules':>7} {'all':>7} {'CPU s':>7} {'MB':>7}")
    met = True
    with tempfile.TemporaryDirectory(prefix="mptrace-judge-") as folder:
        for name, write in (("1,000 processes", short), ("large", lambda path: large(path, events))):
            path = os.path.join(folder, name)
            met &= report(name, write(path), path)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
