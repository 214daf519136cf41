"""What tracing costs: jobs, traced by either recorder against bare, in interleaved rounds, with bare against bare as the noise.

``python -m tests.support.bench [--quick] [--python PATH] [--recorder pure|compiled] [--only instr|time] [LOAD ...]``

Instructions are counted by perf where it can, else by valgrind (user code only): a larger job less a smaller one, so what each
item costs. CPU and wall time are of whole jobs. Every load is timed once, then counted once, then all of them again and again
while there is time: more rounds, closer quartiles. The file is written after every row, so an interrupted run keeps what it has.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support import bench_table as table
from tests.support.bench_loads import NAMES, Load, chosen, fitting, suite
from tests.support.bench_measure import AGAIN, BARE, COMPILED, PURE, Failed, counter, instructions, seconds
from tests.support.bench_table import CPU, INSTR, WALL

QUICK_S, FULL_S = 400, 1320
MOST = 11
"""Rounds of CPU and wall time, after which there are no more."""
COUNTS = 3
"""Rounds of instructions, where two do not give the same."""
EXACT = 0.001
LONGEST_S = 180.0


@dataclass
class Measured:
    """What is known of one load so far, by measure."""

    load: Load
    python: str
    values: dict[str, table.Values] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def add(self, what: str, mode: str, value: float) -> None:
        """Take in one value."""
        self.values.setdefault(what, {}).setdefault(mode, []).append(value)

    def rounds(self, what: str) -> int:
        """Return how many whole rounds there are, and forget a part of one."""
        by_mode = self.values.get(what, {})
        whole = min(map(len, by_mode.values()), default=0)
        for values in by_mode.values():
            del values[whole:]
        return whole

    def is_exact(self) -> bool:
        """Did bare and bare need the same number of instructions?"""
        values = self.values[INSTR]
        return abs(values[AGAIN][0] / values[BARE][0] - 1) < EXACT


class Bench:
    """One run of the benchmark."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.until = options, time.monotonic() + options.within
        self.modes = (BARE, AGAIN, *options.recorder)
        self.known = [Measured(load, fitting(load, options.python)[0]) for load in chosen(options.loads)]

    def first(self) -> Iterator[list[table.Row]]:
        """Measure every load, what takes less time before what takes more; yields the new rows of each measure."""
        for one in self.known:
            if one.python:
                self._safely(one, "", lambda one=one: self._warm_up(one))
            if not one.python or "" in one.failed:
                yield self.rows_of(one)
        for kind in (CPU, INSTR):
            for one in self.known:
                for what, measure in self._measures(one):
                    if what == kind:
                        self._safely(one, what, measure)
                        yield self.rows_of(one, (INSTR,) if what == INSTR else (CPU, WALL))

    def again(self) -> Iterator[Measured]:
        """Measure again, round by round, while there is time; yields what has a new round."""
        more = True
        while more:
            more = False
            for one in self.known:
                for what, measure in self._measures(one):
                    if self._wants_more(one, what):
                        self._safely(one, what, measure)
                        more = True
                        yield one

    def _wants_more(self, one: Measured, what: str) -> bool:
        if what in one.failed or time.monotonic() + one.took.get(what, 0.0) > self.until:
            return False
        done = one.rounds(what)
        if what == INSTR:
            return 0 < done < COUNTS and not one.is_exact()
        return 0 < done < MOST

    def _measures(self, one: Measured) -> list[tuple[str, Callable[[], None]]]:
        if not one.python or "" in one.failed:
            return []
        counts = one.load.counted[1] and counter() and self.options.only != "time"
        times = self.options.only != "instr" or not one.load.counted[1]
        return [
            *([(INSTR, lambda: self._count(one))] if counts else []),
            *([(CPU, lambda: self._time(one))] if times else []),
        ]

    def _safely(self, one: Measured, what: str, measure: Callable[[], None]) -> None:
        """Measure, or note why not: the load failed, or the time is up."""
        if what in one.failed:
            return
        began = time.monotonic()
        if began > self.until:
            if not one.rounds(what):
                one.failed[what] = "skipped: the time was up"
            return
        try:
            measure()
        except Failed as trouble:
            one.failed[what] = f"failed: {trouble}"
        one.took[what] = time.monotonic() - began

    def _warm_up(self, one: Measured) -> None:
        """Run it once as small as can be: the first run compiles modules, the agent's too."""
        for mode in (BARE, *self.options.recorder) if one.load.sized else ():
            seconds(one.load.argv(one.python, 0), mode, LONGEST_S)

    def _count(self, one: Measured) -> None:
        for mode in self.modes:
            one.add(INSTR, mode, instructions(one.load, one.python, mode, LONGEST_S))

    def _time(self, one: Measured) -> None:
        load = one.load
        argv, backwards = load.argv(one.python, load.quick if self.options.quick else load.timed), one.rounds(CPU) % 2
        for mode in reversed(self.modes) if backwards else self.modes:  # what grows slower in time shall hit none of them
            used, took = seconds(argv, mode, LONGEST_S, load.times, pinned=load.pinned)
            one.add(CPU, mode, used)
            one.add(WALL, mode, took)

    def rows_of(self, one: Measured, measures: tuple[str, ...] = (INSTR, CPU, WALL)) -> list[table.Row]:
        """Return the rows of a load."""
        if not one.python:
            return [table.skipped(one.load, "", f"skipped: {fitting(one.load, self.options.python)[1]}")]
        why = one.failed.get("")
        if why:
            return [table.skipped(one.load, "", why)]
        return [row for what in measures for row in self._rows(one, what)]

    def _rows(self, one: Measured, what: str) -> Iterator[table.Row]:
        if one.rounds(what):
            small, large = one.load.counted
            items = max(large - small, 1) if what == INSTR else one.load.items(self.options.quick)
            for mode in self.options.recorder:
                yield table.row(one.load, what, mode, one.values[what], items)
        elif what in one.failed:
            yield table.skipped(one.load, what, one.failed[what])

    def rows(self) -> list[table.Row]:
        """Return all rows there are."""
        return [row for one in self.known if not one.python or one.values or one.failed for row in self.rows_of(one)]


def arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="cost of tracing against the bare program")
    parser.add_argument("loads", nargs="*", metavar="LOAD", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help=f"smaller sizes, within {QUICK_S} s instead of {FULL_S} s")
    parser.add_argument("--within", type=float, metavar="SECONDS", help="begin nothing after so many seconds")
    parser.add_argument(
        "--python", action="append", help="a Python that runs the loads; it needs no mptrace. The first that has a load's packages is taken"
    )  # fmt: skip
    parser.add_argument("--recorder", choices=(PURE, COMPILED), action="append", help="default: both")
    parser.add_argument("--only", choices=("instr", "time"), default="")
    parser.add_argument("--output", default="", help="file for the figures; default: .bench/TIME-COMMIT.json")
    options = parser.parse_args()
    options.within = options.within or (QUICK_S if options.quick else FULL_S)
    options.recorder = options.recorder or [COMPILED, PURE]
    options.python = [os.path.abspath(shutil.which(one) or one) for one in options.python or [sys.executable]]
    return options


def run(bench: Bench, about: table.Row, output: str) -> None:
    """Measure, print what is new, and keep all of it."""
    for rows in bench.first():
        print(*map(table.line, rows), sep="\n", flush=True)
        table.save(about, bench.rows(), output)
    began = time.monotonic()
    for _ in bench.again():
        table.save(about, bench.rows(), output)
    print(f"\nall of it once more and more, for {time.monotonic() - began:.0f} s:\n\n{table.HEADING}")


def main() -> int:
    """Print a line for each load, measure and recorder, and keep them; interrupted, what there is."""
    options, began = arguments(), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    about, bench = table.machine(options.python), Bench(options)
    of = next((suite(one.python) for one in bench.known if one.load.name == "suite" and one.python), "")
    about |= {"suite": f"pytest -n 2 of {of}"} if of else {}
    print(*(f"{name}: {value}" for name, value in about.items()), sep="\n")
    print(f"at most {options.within:.0f} s\n\n{table.HEADING}", flush=True)
    try:
        run(bench, about, options.output)
    finally:
        rows = bench.rows()
        print(*map(table.line, rows), sep="\n")
        missed = [
            f"{row['load']} {row['what']} {row['recorder']}" for row in rows if row.get("judged") and row["verdict"] == "MISSED"
        ]
        met = sum(bool(row.get("judged")) for row in rows) - len(missed)
        print(f"\n{met} targets met, {len(missed)} missed{': ' if missed else ''}{', '.join(missed)}")
        print(f"{time.monotonic() - began:.0f} s; {table.save(about, rows, options.output)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
