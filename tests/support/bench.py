"""What tracing costs: jobs, traced by either recorder against bare, in interleaved rounds, with bare against bare as the noise.

``python -m tests.support.bench [--quick] [--python PATH] [--recorder pure|compiled] [--only instr|time] [LOAD ...]``

Instructions are counted by perf where it can, else by callgrind (user code only, so ratios are higher than with the kernel's
part): a job at a small size less the same job at size 0. CPU and wall time are of whole jobs at full size. All of it ends within
the seconds of ``--within``: rounds are left out then, and at last loads. A load that fails is a line of the table.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from tests.support import bench_table as table
from tests.support.bench_loads import NAMES, Load, chosen, missing
from tests.support.bench_measure import AGAIN, BARE, COMPILED, PURE, Failed, counter, instructions, seconds

QUICK_S, FULL_S = 600, 3000
ROUNDS = 7
"""Rounds of CPU and wall time, where there is time for so many; instructions repeat themselves, so one is enough."""


class Bench:
    """One run of the benchmark."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.until = options, time.monotonic() + options.within
        self.python, self.hard = options.python, self.until
        self.modes = (BARE, AGAIN, *options.recorder)

    def rows(self) -> Iterator[table.Row]:
        """Measure, load by load; each gets its part of the time that is left."""
        loads = chosen(self.options.loads)
        for place, load in enumerate(loads):
            lacks = missing(self.python, load.needs) if load.needs else ""
            if lacks:
                yield _skipped(load, "", f"skipped: this Python has no {lacks}")
                continue
            share = (self.until - time.monotonic()) / (len(loads) - place)
            self.hard = time.monotonic() + 2 * share
            if self.options.only != "time":
                yield from self._safely(load, "instr", self._instructions, share / 2)
            if self.options.only != "instr" or not load.counted:
                yield from self._safely(load, "time", self._seconds, share)

    def _safely(self, load: Load, what: str, measure, share: float) -> Iterator[table.Row]:
        if time.monotonic() > self.until:
            yield _skipped(load, what, "skipped: the time was up")
            return
        try:
            self._warm_up(load)
            yield from measure(load, time.monotonic() + share)
        except Failed as trouble:
            yield _skipped(load, what, f"failed: {trouble}")

    def _warm_up(self, load: Load) -> None:
        """Run it once as small as can be: the first run compiles modules, the agent's too."""
        for mode in self.modes if load.sized else ():
            seconds(load.argv(self.python, 0), mode, self._limit_s())

    def _instructions(self, load: Load, until: float) -> Iterator[table.Row]:
        if not load.counted or not counter():
            why = "not counted: CPU time says it" if counter() else "not counted: neither perf's counters nor valgrind"
            yield _skipped(load, "instr", why)
            return
        values: dict[str, list[float]] = {mode: [] for mode in self.modes}
        for number in range(self.options.rounds):
            if number and time.monotonic() > until:
                break
            for mode in self.modes:
                values[mode].append(instructions(load, self.python, mode, self._limit_s()))
        yield from self._rows(load, "instr", values)

    def _seconds(self, load: Load, until: float) -> Iterator[table.Row]:
        argv = load.argv(self.python, load.quick if self.options.quick else load.timed)
        cpu: dict[str, list[float]] = {mode: [] for mode in self.modes}
        wall: dict[str, list[float]] = {mode: [] for mode in self.modes}
        began = time.monotonic()
        for number in range(ROUNDS):
            if number and time.monotonic() + (time.monotonic() - began) / number > until:
                break
            for mode in self.modes if number % 2 else reversed(self.modes):  # what grows slower in time shall hit none of them
                used, took = seconds(argv, mode, self._limit_s(), load.times)
                cpu[mode].append(used / load.times)
                wall[mode].append(took / load.times)
        yield from self._rows(load, "CPU s", cpu)
        yield from self._rows(load, "wall s", wall)

    def _rows(self, load: Load, what: str, values: dict[str, list[float]]) -> Iterator[table.Row]:
        for mode in self.options.recorder:
            judged = what == "instr" or (what == "CPU s" and not load.counted)
            yield table.row(load.name, what, mode, values, load.limits.get(mode) if judged else None)

    def _limit_s(self) -> float:
        """Return how long a job may take: on a slow machine a load that takes twice its part must leave the rest to others."""
        return max(2.0, min(300.0, self.hard - time.monotonic()))


def _skipped(load: Load, what: str, why: str) -> table.Row:
    return {"load": load.name, "what": what, "recorder": "", "skipped": why}


def arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="cost of tracing against the bare program")
    parser.add_argument("loads", nargs="*", metavar="LOAD", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help=f"smaller sizes, within {QUICK_S} s instead of {FULL_S} s")
    parser.add_argument("--within", type=float, metavar="SECONDS", help="end after so many seconds")
    parser.add_argument("--python", default=sys.executable, help="the Python that runs the loads; it needs no mptrace")
    parser.add_argument("--recorder", choices=(PURE, COMPILED), action="append", help="default: both")
    parser.add_argument("--only", choices=("instr", "time"), default="")
    parser.add_argument("--rounds", type=int, default=1, help="rounds when counting instructions")
    parser.add_argument("--output", default="", help="file for the figures; default: .bench/TIME-COMMIT.json")
    options = parser.parse_args()
    options.within = options.within or (QUICK_S if options.quick else FULL_S)
    options.recorder = options.recorder or [COMPILED, PURE]
    return options


def main() -> int:
    """Print a line for each load, measure and recorder, and keep them."""
    options = arguments()
    about, rows = table.machine(options.python), list[table.Row]()
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    print(f"at most {options.within:.0f} s\n\n{table.HEADING}", flush=True)
    try:
        for found in Bench(options).rows():
            rows.append(found)
            print(table.line(found), flush=True)
    finally:
        print(f"\n{table.save(about, rows, options.output)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
