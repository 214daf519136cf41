"""What tracing costs: whole jobs, traced against bare, interleaved, with bare against bare as the noise floor.

``python -m tests.support.bench [--python PATH] [--recorder pure|compiled] [--rounds N] [--time] [WORKLOAD ...]``

Instructions are counted by perf where it can, else by callgrind (user code only, so ratios are higher than with the kernel's
part; sizes are small for that). ``--time`` adds CPU and wall time at sizes of their own: on a busy machine they say little.
Each number is a job at its size minus the same job at size 0 (start-up and teardown), except for `start-up`.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(ROOT / "tests" / "support" / "workloads.py")

SIZES = {  # for counting, for timing, most that tracing may cost
    "queue": (600, 20_000, 1.25), "pipe": (400, 10_000, 1.25), "pool": (300, 5_000, 1.25), "pool_1ms": (40, 500, 1.03),
    "executor": (200, 2_000, 1.25), "lock": (20_000, 500_000, None), "with_lock": (20_000, 300_000, 1.25),
    "bare_with": (20_000, 300_000, None), "fork": (8, 60, 1.3), "spawn": (2, 12, 1.3),
}  # fmt: skip
START_UP = "start-up"


def environment(run: str | None) -> dict[str, str]:
    """Return the environment of a bare job, or of one traced into the directory ``run``."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("_MPTRACE", "PYTHON"))}
    if run is not None:
        (Path(run) / "processes").mkdir(parents=True, exist_ok=True)
        bootstrap = ROOT / "mptrace" / "launch" / "bootstrap"
        env |= {"_MPTRACE_HOME": str(ROOT / "mptrace"), "_MPTRACE_RUN": run, "PYTHONPATH": str(bootstrap)}
    return env


def command(python: str, workload: str, size: int) -> list[str]:
    """Return the command line of one job."""
    return [python, "-c", "pass"] if workload == START_UP else [python, PROGRAM, workload, str(size)]


def _has_perf() -> bool:
    try:
        done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions", "true"], capture_output=True, check=False, text=True)
    except OSError:
        return False
    return done.returncode == 0 and done.stderr.split(",")[0].isdigit()


def instructions(argv: list[str], env: dict[str, str], use_perf: bool) -> int:
    """Return how many instructions a job and its children needed."""
    with tempfile.TemporaryDirectory() as folder:
        if use_perf:
            out = f"{folder}/perf"
            _call(["perf", "stat", "-x,", "-e", "instructions", "-o", out, *argv], env)
            return sum(int(line.split(",")[0]) for line in Path(out).read_text().splitlines() if "instructions" in line)
        env = {**env, "_MPTRACE_SLOWER": "50"}
        tool = ["valgrind", "-q", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={folder}/%p.%n"]
        _call([*tool, *argv], env)
        lines = (line for path in Path(folder).iterdir() for line in path.read_text(errors="replace").splitlines())
        return sum(int(line.split()[1]) for line in lines if line.startswith("summary:"))


def cpu_and_wall(argv: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Return the seconds of CPU (job and children) and of wall time."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    _call(argv, env)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def _call(argv: list[str], env: dict[str, str]) -> None:
    subprocess.run(argv, env=env, check=True, timeout=600, stdout=subprocess.DEVNULL)


class Series:
    """The numbers of one workload in the three modes: bare, bare again, traced."""

    MODES = ("bare", "again", "traced")

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {mode: [] for mode in self.MODES}

    def ratio(self, mode: str) -> float:
        """Return the median of a mode against that of the bare job."""
        return statistics.median(self.values[mode]) / max(statistics.median(self.values["bare"]), 1e-9)


def measure(python: str, workload: str, rounds: int, measure_one, size: int) -> Series:
    """Run a workload in all modes, interleaved; each value is that of the size minus that of size 0."""
    series = Series()
    for _ in range(rounds):
        for mode in Series.MODES:
            with tempfile.TemporaryDirectory() as run:
                env = environment(run if mode == "traced" else None)
                whole = measure_one(command(python, workload, size), env)
                empty = 0 if workload == START_UP else measure_one(command(python, workload, 0), env)
            series.values[mode].append(whole - empty)
    return series


def _line(name: str, what: str, series: Series, limit: float | None) -> str:
    ratio, floor = series.ratio("traced"), series.ratio("again")
    bare, traced = (statistics.median(series.values[mode]) for mode in ("bare", "traced"))
    verdict = "" if limit is None else "ok" if ratio <= limit else f"OVER {limit}"
    return f"{name:<10} {what:<8} {ratio:6.3f}  (A/A {floor:.3f})  {bare:>14,.4g} -> {traced:>14,.4g}  {verdict}"


def main() -> int:
    """Print a line for each workload and measure."""
    parser = argparse.ArgumentParser(description="cost of tracing against the bare program")
    parser.add_argument("workloads", nargs="*", default=[*SIZES, START_UP])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--recorder", choices=("pure", "compiled"), help="default: compiled where it was built")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each mode when counting instructions")
    parser.add_argument("--time", action="store_true", help="CPU and wall time too, five rounds")
    options = parser.parse_args()
    if options.recorder:
        os.environ["MPTRACE_PURE_PYTHON"] = str(int(options.recorder == "pure"))
    perf = _has_perf()
    print(f"instructions by {'perf' if perf else 'callgrind'}; {options.python}")
    for name in options.workloads:
        count, timed, limit = SIZES.get(name, (1, 1, None))
        countable = perf or name != "fork"  # callgrind counts the past of its parent again for every forked child
        if countable:
            series = measure(options.python, name, options.rounds, lambda a, e: instructions(a, e, perf), count)
            print(_line(name, "instr", series, limit), flush=True)
        if options.time or name == START_UP or not countable:
            for what, index in (("CPU s", 0), ("wall s", 1)):
                series = measure(options.python, name, 5, lambda a, e, i=index: cpu_and_wall(a, e)[i], timed)
                print(_line(name, what, series, limit), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
