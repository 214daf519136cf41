"""`make soak`: hard use, bare and traced: 64 processes x 4 threads, kills, no room, few files, 1,000 processes.

Each line says how both ended, and what `report` says of the traced one afterwards; a failure is what only the traced one has.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PROGRAM = """
import multiprocessing, os, random, signal, sys, threading, time

def hammer(queue, lock, ends, until):
    reader, writer = ends
    while time.monotonic() < until.value:
        if lock.acquire(timeout=0.5):
            writer.send(b"x" * 64)
            reader.recv()
            lock.release()
        queue.put(os.getpid())
        try:
            queue.get(timeout=0.5)
        except Exception:
            pass

def work(*everything):
    threads = [threading.Thread(target=hammer, args=everything, daemon=True) for _ in range(int(sys.argv[2]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything[0].cancel_join_thread()

def nothing():
    pass

def crowd(total):
    for _ in range(0, total, 25):
        wave = [context.Process(target=nothing) for _ in range(25)]
        for one in wave:
            one.start()
        for one in wave:
            one.join()

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    count, seconds, kills = int(sys.argv[1]), float(sys.argv[3]), int(sys.argv[4])
    if not seconds:
        crowd(count)
        print("done", flush=True)
        sys.exit()
    until = context.Value("d", float("inf"), lock=False)
    everything = context.Queue(), context.Lock(), context.Pipe(duplex=False), until
    workers = [context.Process(target=work, args=everything, daemon=True) for _ in range(count)]
    for worker in workers:
        worker.start()
    until.value = time.monotonic() + seconds
    print("ready", flush=True)
    for victim in random.sample(workers, kills):
        time.sleep(seconds / 2 / (kills + 1))
        victim.kill()
    for worker in workers:
        worker.join(max(0.1, until.value + (2 if kills else 20) - time.monotonic()))
    print("done", flush=True)
    everything[0].cancel_join_thread()
    for worker in workers:
        worker.kill()
"""

SLACK_S = 90


@dataclass(frozen=True)
class Hard:
    """One kind of hard use. ``what`` is done to the running job when it is ready; ``limit``: in the job before it starts."""

    name: str
    processes: int = 64
    threads: int = 4
    seconds: float = 60
    kills: int = 0
    what: Callable[[subprocess.Popen[str]], None] | None = None
    limit: tuple[int, int] | None = None
    tiny: bool = False


def kill_launcher(job: subprocess.Popen[str]) -> None:
    """Kill the first process only: of a traced job that is the launcher."""
    job.kill()


def kill_all(job: subprocess.Popen[str]) -> None:
    """Kill the job's whole session at once."""
    os.killpg(job.pid, signal.SIGKILL)


@contextlib.contextmanager
def small_place(folder: str) -> Iterator[str]:
    """A file system of 2 MiB, where we may make one."""
    place = os.path.join(folder, "small")
    os.makedirs(place, exist_ok=True)
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False
    ).returncode
    try:
        yield place if mounted else ""
    finally:
        if mounted:
            subprocess.run(["umount", "-l", place], capture_output=True, check=False)


def run(hard: Hard, folder: str, output: str) -> tuple[str, float]:
    """Run the job, traced if there is an output; return how it ended and how long it took."""
    script = os.path.join(folder, "soak_job.py")
    with open(script, "w") as file:
        file.write(PROGRAM)
    numbers = [str(number) for number in (hard.processes, hard.threads, hard.seconds, hard.kills)]
    traced = ["-m", "mptrace", "--output", output] if output else []
    limited = functools.partial(resource.setrlimit, hard.limit[0], (hard.limit[1],) * 2) if hard.limit else None
    began = time.monotonic()
    job = subprocess.Popen(
        [sys.executable, *traced, script, *numbers],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=limited,  # noqa: PLW1509 - we have no threads
    )  # fmt: skip
    try:
        first = job.stdout.readline().strip() if job.stdout and hard.what else ""
        if hard.what:
            time.sleep(hard.seconds / 3)
            hard.what(job)
        out, err = job.communicate(timeout=hard.seconds + SLACK_S)
        said = (err.strip().splitlines() or [""])[-1]
        ended = f"{job.returncode} {' '.join([first, *out.split()])} {said[:60]}"
    except subprocess.TimeoutExpired:
        ended = "HANGS"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.communicate()
    return ended.strip(), time.monotonic() - began


def reported(output: str) -> str:
    """Return the first line of what `report` says, or how it failed."""
    done = subprocess.run(
        [sys.executable, "-m", "mptrace", "report", output], capture_output=True, text=True, timeout=120, check=False
    )
    if "Traceback" in done.stderr or done.returncode not in (0, 2):
        return f"REPORT FAILED {done.stderr[-300:]}"
    lines = [line.strip() for line in (done.stdout or done.stderr).splitlines() if line.strip()]
    return " | ".join(lines[:3])[:150]


def size_of(output: str) -> float:
    """Return the MiB of a run directory."""
    files = (os.path.join(path, name) for path, _, names in os.walk(output) for name in names)
    return sum(os.lstat(file).st_blocks * 512 for file in files) / 2**20


def cases(seconds: float) -> list[Hard]:
    """Return all kinds of hard use, the long one first."""
    short = min(seconds, 10)
    return [
        Hard("hammer", seconds=seconds),
        Hard("kill workers", seconds=short, kills=12),
        Hard("kill launcher", seconds=short, what=kill_launcher),
        Hard("kill all", seconds=short, what=kill_all),
        Hard("full tmpfs", seconds=short, tiny=True),
        Hard("RLIMIT_FSIZE", seconds=short, processes=8, limit=(resource.RLIMIT_FSIZE, 40_000)),
        Hard("RLIMIT_NOFILE", seconds=short, processes=4, limit=(resource.RLIMIT_NOFILE, 32)),
        Hard("1,000 processes", processes=1000, seconds=0),
    ]


def main(arguments: list[str]) -> int:
    """Run all cases, or those named after the seconds; exit status 1 if one hangs or fails only when traced."""
    seconds, names = float(arguments[0]) if arguments else 600.0, arguments[1:]
    bad = 0
    with tempfile.TemporaryDirectory(prefix="mptrace-soak-") as folder, small_place(folder) as small:
        for number, hard in enumerate(one for one in cases(seconds) if not names or one.name in names):
            output = os.path.join(small if hard.tiny and small else folder, f"run{number}")
            bare, bare_s = run(hard, folder, "")
            traced, traced_s = run(hard, folder, output)
            wrong = traced.split(" ")[0] != bare.split(" ")[0]
            says = reported(output)
            bad += wrong or says.startswith("REPORT FAILED")
            print(
                f"{hard.name}{'  DIFFERS' if wrong else ''}\n  bare   {bare_s:6.1f} s  {bare}\n  traced {traced_s:6.1f} s  {traced}"
            )
            print(f"  {size_of(output):.1f} MiB; report: {says}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
