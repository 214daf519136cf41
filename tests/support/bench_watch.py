"""What the launcher itself costs while a job runs, and how large its run directory becomes: ``python -m tests.support.bench_watch [CASE ...]``

CPU is the launcher's and of what it started to look (not the job's), as a part of one core.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.bench_loads import bare_environment
from tests.support.soak_report import size_of, told

PROGRAM = """
import multiprocessing, os, sys, time

def wait(queue):
    queue.get()

def work(lock, queue, count):
    acquire, release = lock.acquire, lock.release
    while True:
        for _ in range(500):
            acquire()
            release()
        for _ in range(20):
            queue.put(1)
            queue.get()
        count.value += 1040

def nothing(*_):
    pass

def idle(context):
    queue = context.Queue()
    for _ in range(64):
        context.Process(target=wait, args=(queue,), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()

def busy(context):
    counts = [context.Value("q", 0, lock=False) for _ in range(4)]
    for count in counts:
        context.Process(target=work, args=(context.Lock(), context.SimpleQueue(), count), daemon=True).start()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(sum(count.value for count in counts), flush=True)

def volume(context):
    with context.Pool(2, maxtasksperchild=1000) as pool:
        for part in range(1, 5):
            for _ in range(0, STARTS // 4, 25):
                wave = [context.Process(target=nothing) for _ in range(25)]
                for one in wave:
                    one.start()
                for one in wave:
                    one.join()
            for _ in range(50):
                pool.map(nothing, range(TASKS // 200), chunksize=1)
            print(part, flush=True)

if __name__ == "__main__":
    STARTS, TASKS = int(sys.argv[2]), int(sys.argv[3])
    globals()[sys.argv[1]](multiprocessing.get_context("fork"))
"""

START_S = 3
"""Processes that were just started are looked at once, with all that is imported for it."""

TICKS = os.sysconf("SC_CLK_TCK")


class Traced:
    """A job under the launcher, whose CPU can be asked for; killed at the end with all it started."""

    def __init__(self, folder: str, case: str, starts: int = 0, tasks: int = 0) -> None:
        self.output, script = os.path.join(folder, case), os.path.join(folder, "watched.py")
        Path(script).write_text(PROGRAM)
        argv = [sys.executable, "-m", "mptrace", "--output", self.output, script, case, str(starts), str(tasks)]
        self.job = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env=bare_environment() | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )  # fmt: skip

    def __enter__(self) -> Traced:  # noqa: PYI034 - typing has no Self in 3.10
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.job.pid, signal.SIGKILL)
        self.job.communicate()

    def line(self, ask: str = "") -> str:
        """Return the next line of the job."""
        if ask:
            self.job.stdin.write(ask + "\n")
            self.job.stdin.flush()
        return self.job.stdout.readline().strip()

    def cpu_s(self) -> float:
        """Return the CPU time of the launcher and of those of its children that have ended: it looks by the help of others."""
        words = Path(f"/proc/{self.job.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(word) for word in words[11:15]) / TICKS


def _share(traced: Traced, seconds: float) -> float:
    cpu, began = traced.cpu_s(), time.monotonic()
    time.sleep(seconds)
    return 100 * (traced.cpu_s() - cpu) / (time.monotonic() - began)


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def idle(folder: str) -> bool:
    """64 processes that wait: as they come to it, while the launcher looks whether they hang, and when it has looked."""
    with Traced(folder, "idle") as traced:
        traced.line()
        start, first, later = _share(traced, START_S), _share(traced, 30), _share(traced, 60)
    shown = f"{start:.2f} % in the first {START_S} s, {first:.2f} % in the next 30 s, {later:.2f} % in a minute then"
    met = max(first, later) < 1
    print(f"idle, 64 processes: of a core {shown}   (1 % but for the first)  {_verdict(met)}", flush=True)
    return met


def busy(folder: str) -> bool:
    """Four processes that take locks and send messages as fast as they can."""
    with Traced(folder, "busy") as traced:
        traced.line()
        count, began = int(traced.line("?")), time.monotonic()
        share = _share(traced, 30)
        rate = (int(traced.line("?")) - count) / (time.monotonic() - began)
    print(f"busy, {rate:,.0f} events a second: {share:.2f} % of a core   (5 % at 100,000)  {_verdict(share < 5)}", flush=True)
    return share < 5


def volume(folder: str, starts: int = 6000, tasks: int = 1_000_000) -> bool:
    """As many starts and tasks as a job of hours has: the directory does not grow any more, and all is told."""
    with Traced(folder, "volume", starts, tasks) as traced:
        sizes = [size_of(traced.output) for _ in range(4) if traced.line()]
        status = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = traced.job.wait(300)
        said = told(traced.output, starts + tasks // 1000 + 3, 0, ended=True, room=False)
    met = status == 0 and bool(sizes) and sizes[-1] < 1.3 * max(sizes[1], 150)
    shown = ", ".join(f"{size:.0f}" for size in sizes)
    print(
        f"{starts:,} starts, {tasks:,} tasks: MiB after each quarter {shown}   (bounded)  {_verdict(met)}\n  report: {said.says}",
        flush=True,
    )
    return met


CASES: dict[str, Callable[[str], bool]] = {"idle": idle, "busy": busy, "volume": volume}


def main(names: list[str]) -> int:
    """Run these cases, all without."""
    with tempfile.TemporaryDirectory(prefix="mptrace-watch-") as folder:
        met = [CASES[name](folder) for name in names or CASES]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
