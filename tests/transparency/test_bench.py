"""The benchmark's own arithmetic: rounds, targets, and what it keeps when it is interrupted. What it measures stands in its table."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from tests.support import bench, bench_measure, bench_table
from tests.support.bench import Bench, Measured
from tests.support.bench_loads import LOADS, Load, fitting
from tests.support.bench_measure import AGAIN, BARE, COMPILED, Failed

QUEUE = next(load for load in LOADS if load.name == "queue")
START = next(load for load in LOADS if load.name == "start-up")


def options(*loads: str, within: float = 60.0) -> Namespace:
    return Namespace(loads=list(loads), python=[sys.executable], recorder=[COMPILED], only="", quick=True, within=within)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Modes of the jobs that were asked for, in order; each takes no time, and the traced ones a tenth more."""
    asked: list[str] = []

    def seconds(_argv: object, mode: str, *_: object, **__: object) -> tuple[float, float]:
        asked.append(mode)
        return (1.1, 2.2) if mode == COMPILED else (1.0, 2.0)

    monkeypatch.setattr(bench, "seconds", seconds)
    monkeypatch.setattr(bench, "instructions", lambda _load, _python, mode, _limit: 1200.0 if mode == COMPILED else 1000.0)
    monkeypatch.setattr(bench, "counter", lambda: "perf")
    monkeypatch.setattr(bench_table, "counter", lambda: "perf")
    return asked


def test_a_ratio_is_that_of_pairs_and_has_its_target_beside_it(counted: list[str]) -> None:
    values = {BARE: [100.0, 200.0, 400.0], AGAIN: [100.0, 202.0, 404.0], COMPILED: [108.0, 216.0, 440.0]}
    row = bench_table.row(QUEUE, "instr", COMPILED, values, 1)
    assert (row["ratio"], row["noise"], row["rounds"]) == (1.08, 1.01, 3)
    assert (row["target"], row["verdict"], row["judged"]) == ("1.10", "met", True)
    timed = bench_table.row(QUEUE, "wall s", COMPILED, {**values, COMPILED: [200.0, 400.0, 800.0]}, 1)
    assert (timed["verdict"], timed["judged"]) == ("MISSED", False)
    assert bench_table.line(timed).endswith("(1.10 MISSED)")


def test_a_start_is_judged_by_the_time_it_takes_more(counted: list[str]) -> None:
    values = {BARE: [0.2], AGAIN: [0.2], COMPILED: [0.3]}
    assert bench_table.row(START, "CPU s", COMPILED, values, 20)["verdict"] == "MISSED"
    assert bench_table.row(START, "CPU s", COMPILED, values, 100)["verdict"] == "met"


def test_every_load_is_measured_before_one_is_measured_more(counted: list[str], tmp_path: Path) -> None:
    run, path = Bench(options("queue", "pipe")), tmp_path / "figures.json"
    bench.run(run, {"at": "now", "commit": "none", "changed": False}, str(path))
    rows = json.loads(path.read_text())["rows"]
    assert [row["rounds"] for row in rows] == [1, bench.MOST, bench.MOST] * 2
    assert {row["ratio"] for row in rows} == {1.2, 1.1}
    forth = [BARE, AGAIN, COMPILED]
    assert counted[4:16] == [*forth, *forth, *reversed(forth), *reversed(forth)]


def test_when_the_time_is_up_what_was_not_measured_is_a_line(counted: list[str]) -> None:
    run = Bench(options("queue", within=-1.0))
    assert [row["skipped"] for rows in run.first() for row in rows] == ["skipped: the time was up"]
    assert list(run.again()) == []


def test_a_load_that_fails_is_a_line_and_a_part_of_a_round_is_dropped(
    counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> float:
        raise Failed("status 1: no such thing")

    monkeypatch.setattr(bench, "instructions", fails)
    run = Bench(options("queue"))
    *_, last = run.first()
    assert [row["skipped"] for row in last] == ["failed: status 1: no such thing"]
    one = Measured(QUEUE, sys.executable, {"CPU s": {BARE: [1.0, 1.0], COMPILED: [1.0]}})
    assert one.rounds("CPU s") == 1
    assert one.values["CPU s"][BARE] == [1.0]


def test_a_load_runs_in_the_first_python_that_has_its_packages() -> None:
    lacks = Load("none", (0, 0), 1, 1, {}, ("no_such_module_a|no_such_module_b",))
    python, why = fitting(lacks, [sys.executable])
    assert (python, why) == ("", f"{sys.executable} has no no_such_module_a or no_such_module_b")
    assert fitting(Load("any", (0, 0), 1, 1, {}, ("no_such_module_a|json",)), [sys.executable]) == (sys.executable, "")
    assert fitting(QUEUE, ["first", "second"]) == ("first", "")


def test_what_valgrind_counted_is_the_last_of_its_summaries(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"events: Ir\nsummary: 7\n" + b"fn=x\n" * 2000 + b"totals: 42\n")
    (tmp_path / "killed").write_bytes(b"")
    assert [bench_measure._summary(tmp_path / name) for name in ("one", "killed")] == [42, 0]
