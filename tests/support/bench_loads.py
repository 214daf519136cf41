"""What `bench` runs: the loads, their sizes, and the most that tracing may cost each, by recorder."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import run as run_program

FOLDER = Path(__file__).resolve().parent
SUITES = {"networkx": ("networkx.algorithms.shortest_paths",), "joblib": ("joblib.test.test_hashing",)}
"""Tests that come with a real package, some seconds of them: those of the first one that is installed."""

MICRO = {"compiled": 1.10, "pure": 1.50}
START = {"compiled": 1.25, "pure": 1.30}
WORK = {"compiled": 1.02, "pure": 1.05}
WITH = {"compiled": 1.30, "pure": 1.30}
BOOT_MS = 3.0
"""CPU time that the agent may take at the start of an interpreter that does nothing with it."""
CHILD_MS = 2.0
"""The same in a child of multiprocessing."""


@dataclass(frozen=True)
class Load:
    """One program. Sizes: of the two jobs whose difference in instructions is counted (0, 0: never, it is too much for that);
    to be timed; to be timed quickly.

    ``limits``: most that its ratio may be; ``limit_ms``: most CPU time more an item. ``needs``: modules without which it is
    skipped ("a|b": one of them). ``times``: runs that make one value. ``forks``: what is counted forks. ``pinned``: timed on one
    core, since its processes take turns, and on two they use three times as much, as chance will have it.
    """

    name: str
    counted: tuple[int, int]
    timed: int
    quick: int
    limits: dict[str, float]
    needs: tuple[str, ...] = ()
    times: int = 1
    limit_ms: float = 0.0
    forks: bool = False
    pinned: bool = False

    def argv(self, python: str, size: int) -> list[str]:
        """Return the command line of one job."""
        if self.name == "start-up":
            return [python, "-c", "pass"]
        if self.name == "suite":
            return [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--pyargs", *SUITES[suite(python)]]
        program = "workloads_real.py" if self.needs else "workloads.py"
        return [python, str(FOLDER / program), self.name, str(size)]

    @property
    def sized(self) -> bool:
        """Is there a job of size 0, which does everything but the repeated thing?"""
        return self.name not in ("start-up", "suite")

    def items(self, quick: bool) -> int:
        """Return how many repeated things one timed value is of."""
        return self.times if not self.sized else self.quick if quick else self.timed


LOADS = (
    Load("queue", (1000, 3000), 200_000, 30_000, MICRO),
    Load("pipe", (1000, 2500), 100_000, 15_000, MICRO, pinned=True),
    Load("pool", (1000, 3000), 20_000, 5_000, MICRO),
    Load("pool_1ms", (20, 60), 5_000, 1_000, WORK),
    Load("executor", (500, 1200), 10_000, 3_000, MICRO),
    Load("lock", (20_000, 120_000), 2_000_000, 1_000_000, {}),
    Load("with_lock", (20_000, 80_000), 1_000_000, 500_000, WITH),
    Load("spawn", (0, 1), 50, 12, START, limit_ms=CHILD_MS),
    Load("fork", (8, 28), 400, 150, START, limit_ms=CHILD_MS, forks=True),
    Load("start-up", (1, 1), 1, 1, {}, times=20, limit_ms=BOOT_MS),
    Load("arrays", (0, 0), 100, 30, WORK, ("numpy",)),
    Load("forest", (0, 0), 100, 40, WORK, ("sklearn", "joblib")),
    Load("dataloader", (0, 0), 300, 100, WORK, ("torch",)),
    Load("suite", (0, 0), 1, 1, WORK, ("pytest", "xdist", "|".join(SUITES))),
)
NAMES = tuple(load.name for load in LOADS)


@cache
def missing(python: str, needs: tuple[str, ...]) -> str:
    """Return which of the modules that Python has not got, "" if it has them all."""
    code = (
        "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if not any(u.find_spec(one) for one in n.split('|'))])"
    )
    done = run_program([python, "-c", code, *needs], capture_output=True, text=True, check=False)
    return ", ".join(done.stdout.split()).replace("|", " or ") if done.returncode == 0 else f"start: {done.stderr[-100:]}"


def suite(python: str) -> str:
    """Return the package whose tests are run."""
    return next((name for name in SUITES if not missing(python, (name,))), "")


def fitting(load: Load, pythons: list[str]) -> tuple[str, str]:
    """Return the first of these Pythons that has what a load needs, and why there is none."""
    lacks = {python: missing(python, load.needs) if load.needs else "" for python in pythons}
    fit = next((python for python, lack in lacks.items() if not lack), "")
    return fit, "" if fit else "; ".join(f"{python} has no {lack}" for python, lack in lacks.items())


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
