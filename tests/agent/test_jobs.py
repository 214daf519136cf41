"""Which line handed a job to an executor is known of every call, though only the first of many that are alike is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.agent import budget, pools
from mptrace.wire.events import tasks
from tests.support.traced import EVERYWHERE, NAMES, line_of, trace

PROGRAM = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor

def fails(number):
    raise ValueError(number)

def breaks(number):
    raise ValueError(number)

class Mine(ProcessPoolExecutor):
    def submit(self, *given):
        return super().submit(*given)  # inherited

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    for kind in ProcessPoolExecutor, Mine:
        with kind(1, mp_context=context) as executor:
            for number in range(3):
                executor.submit(fails, number)  # first
            for number in 3, 4:
                for function in fails, breaks:
                    executor.submit(function, number)  # alternating
            executor.map(fails, [5, 6])  # mapped
            executor.submit(fails, 7)  # last
"""


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_the_line_of_every_call_of_an_executor(tmp_path: Path, python: str, method: str) -> None:
    told = trace(PROGRAM, tmp_path, python, arguments=(method,))
    assert told.quiet()
    found = [
        (record["message"], record["function"], record["call"], told.line(record)) for record in told.of(tasks.RESULT_FAILED)
    ]
    first, alternating, mapped, last, inherited = (
        line_of(PROGRAM, mark) for mark in ("first", "alternating", "mapped", "last", "inherited")
    )
    assert found[:10] == [
        *((str(number), "fails", "Executor.submit", first) for number in range(3)),
        *((str(n), function, "Executor.submit", alternating) for n in (3, 4) for function in ("fails", "breaks")),
        *((str(number), "fails", "Executor.map", mapped) for number in (5, 6)),
        ("7", "fails", "Executor.submit", last),
    ]
    assert {line for *_, line in found[10:]} == {inherited}


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(pools, "_jobs", {})
    return 7 | pools.EXECUTOR_BIT


def test_a_job_stands_for_the_calls_up_to_its_last(key: int) -> None:
    one, other = pools.Job("Executor.map", "f", 1, 1), pools.Job("Executor.map", "f", 2, 1)
    pools.remember(key, 0, one)
    one.last = 4
    pools.remember(key, 5, other)
    other.last = 6
    assert [pools.job_of(key, number) for number in (0, 4, 5, 6, 7)] == [one, one, other, other, None]
    assert pools.job_of(key + 1, 4) is None


def test_no_further_call_counts_to_a_job_that_was_forgotten(key: int) -> None:
    job = pools.Job("Executor.map", "f", 1, 1)
    pools.remember(key, 0, job)
    for number in range(pools.JOBS):
        assert job.call
        pools.remember(key + 1, number, pools.Job("Executor.map", "f", 1, 1))
    assert not job.call


def test_an_executor_with_the_key_of_one_that_is_gone_has_none_of_its_jobs(key: int) -> None:
    job = pools.Job("Executor.map", "f", 1, 1)
    pools.remember(key, 3, job)
    job.last = 9
    pools.forget(key)
    assert pools.job_of(key, 5) is None


def test_a_budget_is_refilled_by_the_time_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under valgrind all is so much slower, but is counted as if it were not."""
    now = [1_000_000_000]
    monkeypatch.setattr(budget, "monotonic_ns", lambda: now[0])
    monkeypatch.setattr(budget, "SLOWER", 10)
    some = budget.Budget(1, 10)
    assert some.spend()
    assert not some.spend()  # the time is counted from here
    now[0] += 900_000_000
    assert not some.spend()
    now[0] += 200_000_000
    assert some.spend()
