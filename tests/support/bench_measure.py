"""One job, bare or traced: its instructions by perf or valgrind, its CPU and wall time; a job that fails raises Failed."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.support.bench_loads import Load, bare_environment

ROOT = Path(__file__).resolve().parents[2]
BARE, AGAIN, PURE, COMPILED = "bare", "again", "pure", "compiled"
"""Modes: the bare job, the same once more (its ratio is the noise), and traced by either recorder."""

VALGRIND = ("valgrind", "-q", "--trace-children=yes", "--fair-sched=yes")
"""Fair to threads that wait for each other: else how often they look in vain differs from run to run by half."""

CACHEGRIND = (*VALGRIND, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file={}/%p")
CALLGRIND = (*VALGRIND, "--tool=callgrind", "--dump-before=PyOS_BeforeFork", "--callgrind-out-file={}/%p.%n")
"""A forked child goes on with the counts of its parent. Where jobs of both sizes fork once, that is the same in both; where the
forks are what is counted, the slower tool is taken, which can write the past away before each fork."""


class Failed(Exception):
    """A job that did not end well; the text says how."""


def environment(mode: str, run: str) -> dict[str, str]:
    """Return the environment of a job in this mode; ``run``: where it records."""
    env = bare_environment()
    if mode in (BARE, AGAIN):
        return env
    (Path(run) / "processes").mkdir(parents=True, exist_ok=True)
    bootstrap = ROOT / "mptrace" / "launch" / "bootstrap"
    env |= {"_MPTRACE_HOME": str(ROOT / "mptrace"), "_MPTRACE_RUN": run, "PYTHONPATH": str(bootstrap)}
    return env | {"MPTRACE_PURE_PYTHON": str(int(mode == PURE))}


@cache
def counter() -> str:
    """Return what can count instructions here: perf, valgrind or nothing."""
    with contextlib.suppress(OSError):
        done = subprocess.run(
            ["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, check=False, text=True
        )
        if done.returncode == 0 and done.stderr.split(",")[0].isdigit():
            return "perf"
    return "valgrind" if shutil.which("valgrind") else ""


def instructions(load: Load, python: str, mode: str, limit_s: float) -> float:
    """Return how many instructions the larger of the two jobs to be counted needs more than the smaller one."""
    small, large = load.counted
    whole = _count(load.argv(python, large), mode, limit_s, forks=load.forks)
    return whole - _count(load.argv(python, small), mode, limit_s, forks=load.forks) if load.sized else whole


def _count(argv: list[str], mode: str, limit_s: float, *, forks: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="mptrace-bench-") as folder:
        env = environment(mode, f"{folder}/run") | {"PYTHONHASHSEED": "0"}  # else no two runs need the same
        if counter() == "perf":
            _call(["perf", "stat", "-x,", "-e", "instructions:u", "-o", f"{folder}/perf", *argv], env, limit_s)
            return sum(
                int(line.split(",")[0]) for line in Path(f"{folder}/perf").read_text().splitlines() if "instructions" in line
            )
        os.mkdir(f"{folder}/counts")
        tool = [word.format(f"{folder}/counts") for word in (CALLGRIND if forks else CACHEGRIND)]
        _call([*tool, *argv], env | {"_MPTRACE_SLOWER": "50"}, limit_s)
        return sum(map(_summary, Path(f"{folder}/counts").iterdir()))


def _summary(path: Path) -> int:
    """Return the number in the last lines of what valgrind wrote; 0 for a process that was killed."""
    found = re.findall(rb"^(?:summary|totals): *(\d+)", path.read_bytes()[-4096:], re.MULTILINE)
    return int(found[-1]) if found else 0


def seconds(argv: list[str], mode: str, limit_s: float, times: int = 1, *, pinned: bool = False) -> tuple[float, float]:
    """Return (CPU of the job and its children, wall time) of so many runs together; ``pinned``: on one core."""
    cpu = wall = 0.0
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="mptrace-bench-") as folder:
            env = environment(mode, f"{folder}/run")
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            _call(argv, env, limit_s, _pin if pinned else None)
            wall += time.perf_counter() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


def _pin() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _call(argv: list[str], env: dict[str, str], limit_s: float, before: Callable[[], None] | None = None) -> None:
    """Run a job in a session of its own; whatever happens, nothing of it is left."""
    job = subprocess.Popen(
        argv, env=env, cwd=tempfile.gettempdir(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=before,  # noqa: PLW1509 - we have no threads
    )  # fmt: skip
    try:
        _, said = job.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise Failed(f"it took over {limit_s:.0f} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.wait()
        job.stderr.close()
    if job.returncode:
        last = (said.decode(errors="replace").strip().splitlines() or [""])[-1]
        raise Failed(f"status {job.returncode}: {last[:120]}")
