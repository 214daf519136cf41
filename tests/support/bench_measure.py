"""One job, bare or traced: its instructions by perf or callgrind, its CPU and wall time; a job that fails raises Failed."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

from tests.support.bench_loads import Load, bare_environment

ROOT = Path(__file__).resolve().parents[2]
BARE, AGAIN, PURE, COMPILED = "bare", "again", "pure", "compiled"
"""Modes: the bare job, the same once more (its ratio is the noise), and traced by either recorder."""

CALLGRIND = ("valgrind", "-q", "--tool=callgrind", "--trace-children=yes", "--dump-before=PyOS_BeforeFork")
"""A forked child goes on with the counts of its parent, so each past would be counted twice: that is written away before a fork."""


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
    """Return what can count instructions here: perf, callgrind or nothing."""
    with contextlib.suppress(OSError):
        done = subprocess.run(
            ["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, check=False, text=True
        )
        if done.returncode == 0 and done.stderr.split(",")[0].isdigit():
            return "perf"
    return "callgrind" if shutil.which("valgrind") else ""


def instructions(load: Load, python: str, mode: str, limit_s: float) -> float:
    """Return how many instructions a job of the size to be counted needs more than one of size 0."""
    whole = _count(load.argv(python, load.counted), mode, limit_s)
    return whole - _count(load.argv(python, 0), mode, limit_s) if load.sized else whole


def _count(argv: list[str], mode: str, limit_s: float) -> int:
    with tempfile.TemporaryDirectory(prefix="mptrace-bench-") as folder:
        env = environment(mode, f"{folder}/run")
        if counter() == "perf":
            _call(["perf", "stat", "-x,", "-e", "instructions:u", "-o", f"{folder}/perf", *argv], env, limit_s)
            return sum(
                int(line.split(",")[0]) for line in Path(f"{folder}/perf").read_text().splitlines() if "instructions" in line
            )
        os.mkdir(f"{folder}/counts")
        _call([*CALLGRIND, f"--callgrind-out-file={folder}/counts/%p.%n", *argv], env | {"_MPTRACE_SLOWER": "50"}, limit_s)
        lines = (line for path in Path(f"{folder}/counts").iterdir() for line in path.read_text(errors="replace").splitlines())
        return sum(int(line.split()[1]) for line in lines if line.startswith("summary:"))


def seconds(argv: list[str], mode: str, limit_s: float, times: int = 1) -> tuple[float, float]:
    """Return (CPU of the job and its children, wall time) of so many runs together."""
    cpu = wall = 0.0
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="mptrace-bench-") as folder:
            env = environment(mode, f"{folder}/run")
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            _call(argv, env, limit_s)
            wall += time.perf_counter() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall


def _call(argv: list[str], env: dict[str, str], limit_s: float) -> None:
    """Run a job in a session of its own; whatever happens, nothing of it is left."""
    job = subprocess.Popen(
        argv, env=env, cwd=tempfile.gettempdir(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
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
