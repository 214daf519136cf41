"""`make soak`: hard use for ten minutes, bare and traced: 64 processes x 4 threads, kills, no room, few files, 1,000 processes.

All of it again and again, while there is time for half a round more: ``python -m tests.support.soak [SECONDS [CASE ...]]``. Each line says how both ended, and what `report` says of the traced one afterwards; a failure is what only the traced one has.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import soak_report

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
ALL_S, HAMMER_S, SHORT_S = 600.0, 60.0, 10.0
"""How long all of it takes, how long the processes hammer, and how long where something else is tried."""


@dataclass(frozen=True)
class Hard:
    """One kind of hard use. ``what`` is done to the running job when it is ready; ``limit``: in the job before it starts."""

    name: str
    processes: int = 64
    threads: int = 4
    seconds: float = SHORT_S
    kills: int = 0
    what: Callable[[subprocess.Popen[str]], None] | None = None
    limit: tuple[int, int] | None = None
    tiny: bool = False
    python: str = ""

    @property
    def room(self) -> bool:
        """Can everything be recorded?"""
        return not self.tiny and self.limit is None


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
    traced = [sys.executable, "-m", "mptrace", "run", "--output", output, "--"] if output else []
    limited = functools.partial(resource.setrlimit, hard.limit[0], (hard.limit[1],) * 2) if hard.limit else None
    began = time.monotonic()
    job = subprocess.Popen(
        [*traced, hard.python or sys.executable, script, *numbers],
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


def free_threaded() -> str:
    """Return a Python without the lock, "" if there is none on this machine."""
    installed = sorted((Path.home() / ".pyenv/versions").glob("3.*t/bin/python"))
    return str(installed[-1]) if installed else shutil.which("python3.14t") or shutil.which("python3.13t") or ""


def cases(seconds: float) -> list[Hard]:
    """Return all kinds of hard use, the long one first; they take about half of so many seconds."""
    short, python = min(seconds / 60, SHORT_S), free_threaded()
    return [
        Hard("hammer", seconds=min(seconds / 10, HAMMER_S)),
        *([Hard("free-threaded", seconds=short, python=python)] if python else []),
        Hard("kill workers", seconds=short, kills=12),
        Hard("kill launcher", seconds=short, what=kill_launcher),
        Hard("kill all", seconds=short, what=kill_all),
        Hard("full tmpfs", seconds=short, tiny=True),
        Hard("RLIMIT_FSIZE", seconds=short, processes=8, limit=(resource.RLIMIT_FSIZE, 40_000)),
        Hard("RLIMIT_NOFILE", seconds=short, processes=4, limit=(resource.RLIMIT_NOFILE, 32)),
        Hard("1,000 processes", processes=1000, seconds=0),
    ]


def check(hard: Hard, folder: str, output: str) -> bool:
    """Run one case, bare and traced, print what came of it, and return whether it is all right."""
    bare, bare_s = run(hard, folder, "")
    traced, traced_s = run(hard, folder, output)
    ended = hard.what is None
    told = soak_report.told(output, hard.processes + 1, hard.kills, ended=ended, room=hard.room)
    wrong = told.wrong + (["it ends otherwise than bare"] if traced.split(" ")[0] != bare.split(" ")[0] else [])
    print(f"{hard.name}\n  bare   {bare_s:6.1f} s  {bare}\n  traced {traced_s:6.1f} s  {traced}")
    print(
        f"  report {soak_report.size_of(output):6.1f} MiB {told.says}",
        *(f"  WRONG  {what}" for what in wrong),
        sep="\n",
        flush=True,
    )
    return not wrong


def _apart() -> None:
    """Go on in a mount namespace of our own, so that what we mount goes with us however we end."""
    if os.geteuid() == 0 and not os.environ.get("_SOAK_APART") and shutil.which("unshare"):
        os.environ["_SOAK_APART"] = "1"
        tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            os.execvp(
                "unshare",
                ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.support.soak", *sys.argv[1:]],
            )


def main(arguments: list[str]) -> int:
    """Run all cases, or those named after the seconds; exit status 1 if one hangs, fails only when traced, or is told wrongly."""
    began = time.monotonic()
    _apart()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    seconds, names = float(arguments[0]) if arguments else ALL_S, arguments[1:]
    known = cases(seconds)
    if unknown := set(names) - {one.name for one in known}:
        sys.exit(f"no such case: {', '.join(unknown)}; there are {', '.join(one.name for one in known)}")
    if not free_threaded():
        print("free-threaded\n  not run: there is no such Python on this machine", flush=True)
    chosen, right, rounds = [one for one in known if not names or one.name in names], True, 0
    while not rounds or (time.monotonic() - began) * (rounds + 0.5) / rounds <= seconds:
        right, rounds = one_round(chosen) and right, rounds + 1
    print(f"{rounds} rounds in {time.monotonic() - began:.0f} s: {'all as bare, and told' if right else 'WRONG'}")
    return 0 if right else 1


def one_round(chosen: list[Hard]) -> bool:
    """Run these cases once."""
    with tempfile.TemporaryDirectory(prefix="mptrace-soak-") as folder, small_place(folder) as small:
        places = [os.path.join(small if one.tiny and small else folder, f"run{number}") for number, one in enumerate(chosen)]
        return all([check(one, folder, place) for one, place in zip(chosen, places, strict=True)])  # noqa: C419 - all of them run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
