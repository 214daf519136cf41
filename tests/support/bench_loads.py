"""What `bench` runs: the loads, their sizes, and the most that tracing may cost each, by recorder."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import run as run_program

FOLDER = Path(__file__).resolve().parent
SUITE = "networkx.algorithms.shortest_paths"
"""Tests of a real package that come with it: 150 of them, three seconds."""

MICRO = {"compiled": 1.10, "pure": 1.50}
START = {"compiled": 1.25, "pure": 1.30}
WORK = {"compiled": 1.02, "pure": 1.05}
WITH = {"compiled": 1.30, "pure": 1.50}


@dataclass(frozen=True)
class Load:
    """One program. Sizes: to be counted (0: never, it is too much for callgrind), to be timed, to be timed quickly.

    ``limits``: most that its ratio may be; ``needs``: modules without which it is skipped; ``times``: runs that make one value.
    """

    name: str
    counted: int
    timed: int
    quick: int
    limits: dict[str, float]
    needs: tuple[str, ...] = ()
    times: int = 1

    def argv(self, python: str, size: int) -> list[str]:
        """Return the command line of one job."""
        if self.name == "start-up":
            return [python, "-c", "pass"]
        if self.name == "suite":
            return [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--pyargs", SUITE]
        program = "workloads_real.py" if self.needs else "workloads.py"
        return [python, str(FOLDER / program), self.name, str(size)]

    @property
    def sized(self) -> bool:
        """Is there a job of size 0, which does everything but the repeated thing?"""
        return self.name not in ("start-up", "suite")


LOADS = (
    Load("queue", 600, 200_000, 30_000, MICRO),
    Load("pipe", 400, 100_000, 15_000, MICRO),
    Load("pool", 300, 20_000, 5_000, MICRO),
    Load("pool_1ms", 40, 5_000, 1_000, WORK),
    Load("executor", 200, 10_000, 3_000, MICRO),
    Load("lock", 20_000, 1_000_000, 1_000_000, {}),
    Load("with_lock", 20_000, 1_000_000, 500_000, WITH),
    Load("spawn", 2, 50, 12, START),
    Load("fork", 8, 200, 100, START),
    Load("start-up", 1, 1, 1, {}, times=20),
    Load("arrays", 0, 100, 30, WORK, ("numpy",)),
    Load("forest", 0, 60, 30, WORK, ("sklearn", "joblib")),
    Load("dataloader", 0, 300, 100, WORK, ("torch",)),
    Load("suite", 0, 1, 1, WORK, ("pytest", "xdist", "networkx")),
)
NAMES = tuple(load.name for load in LOADS)


@cache
def missing(python: str, needs: tuple[str, ...]) -> str:
    """Return which of the modules that Python has not got, "" if it has them all."""
    code = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n) is None])"
    done = run_program([python, "-c", code, *needs], capture_output=True, text=True, check=False)
    return ", ".join(done.stdout.split()) if done.returncode == 0 else f"{python}: {done.stderr[-100:]}"


def chosen(names: list[str]) -> list[Load]:
    """Return the loads with these names, all without; exit with a sentence if there is none of a name."""
    wrong = sorted(set(names) - set(NAMES))
    if wrong:
        sys.exit(f"no such load: {', '.join(wrong)}; there are {', '.join(NAMES)}")
    return [load for load in LOADS if not names or load.name in names]


def bare_environment() -> dict[str, str]:
    """Return our environment without what would reach into the job; numeric libraries keep to one thread."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("_MPTRACE", "MPTRACE_", "PYTHON"))}
    return env | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
