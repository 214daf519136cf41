"""A ProcessPoolExecutor: its shape, its calls and how they fail, what breaks it."""

from __future__ import annotations

import pytest

from mptrace.collect.head import read_head
from mptrace.wire.events import failures, resources, tasks
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

def square(number):
    return number * number

def fails(number):
    raise ValueError(f"not {number}")  # raises

def dies(number):
    os._exit(9)

def makes(number):
    return lambda: number

def start():
    raise RuntimeError("not today")  # start

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(1, mp_context=context) as executor:  # made
        print(list(executor.map(square, range(4), chunksize=2)))  # map
        for function, argument in ((fails, 1), (makes, 1), (square, {"key": [lambda: 1]})):
            try:
                executor.submit(function, argument).result()  # submit
            except Exception as error:
                print(type(error).__name__)
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        try:
            executor.submit(dies, 1).result()
        except BrokenProcessPool:
            print("broken")
    with ProcessPoolExecutor(1, mp_context=context, initializer=start) as executor:
        try:
            executor.submit(square, 1).result()
        except BrokenProcessPool:
            print("broken")
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("executor"), python, arguments=(method,))


def test_the_program_runs_as_without_us(outcome: Outcome) -> None:
    assert outcome.status == 0
    assert outcome.out.split("\n")[:2] == ["[0, 1, 4, 9]", "ValueError"]
    assert outcome.out.endswith("\nbroken\nbroken\n")
    assert outcome.quiet(), outcome.err


def test_an_executor_is_told_with_its_shape_line_and_parts(outcome: Outcome) -> None:
    first, _, third = outcome.of(tasks.POOL)
    assert first["workers"] == 1
    assert third["initializer"] == "start"
    assert outcome.line(first) == line_of(PROGRAM, "made")
    roles = {record["role"] for record in outcome.of(resources.PART) if record["owner_key"] == first["pool"]}
    assert roles == {"_call_queue", "_result_queue"}
    assert {record["pool"] for record in outcome.of(tasks.WORKER)} == {record["pool"] for record in outcome.of(tasks.POOL)}


def test_work_is_told_with_the_call_the_function_and_the_line(outcome: Outcome) -> None:
    first, _, third, *_ = outcome.of(tasks.SUBMITTED)
    assert (first["call"], first["function"]) == ("Executor.map", "square")
    assert outcome.line(first) == line_of(PROGRAM, "map")
    assert (third["call"], third["function"]) == ("Executor.submit", "fails")
    assert outcome.line(third) == line_of(PROGRAM, "submit")


def test_a_call_that_raises_is_told_with_its_traceback_and_line(outcome: Outcome) -> None:
    record = outcome.one(tasks.FAILED)
    assert (record["function"], record["error"], record["message"]) == ("fails", "ValueError", "not 1")
    assert "in fails" in str(record["traceback"])
    assert outcome.line(record) == line_of(PROGRAM, "raises")


def test_what_cannot_be_pickled_either_way_is_told_with_its_path(outcome: Outcome) -> None:
    told = {(record["call"], record["path"], record["offender"]) for record in outcome.of(failures.PICKLE_FAILED)}
    assert told == {("Executor result", "result", "lambda"), ("Executor.submit", "args[0]['key'][0]", "lambda")}
    sent = next(record for record in outcome.of(failures.PICKLE_FAILED) if record["call"] == "Executor.submit")
    assert outcome.line(sent) == line_of(PROGRAM, "submit")


def test_a_broken_executor_is_told(outcome: Outcome) -> None:
    assert [record["pending"] for record in outcome.of(tasks.BROKEN)] == [1, 1]


def test_the_call_that_a_worker_died_in_stands_in_its_file(outcome: Outcome) -> None:
    files = [path.read_bytes() for path in (outcome.path / "processes").glob("*.mpt")]
    assert [cell.text for data in files for cell in read_head(data, data).doings] == ["dies(1)"]


def test_a_failing_initializer_is_told(outcome: Outcome) -> None:
    record = outcome.one(tasks.INITIALIZER_FAILED)
    assert (record["error"], record["message"]) == ("RuntimeError", "not today")
    assert outcome.line(record) == line_of(PROGRAM, "start")


LETTING_GO = """
import gc, multiprocessing, sys, weakref
from concurrent.futures import ProcessPoolExecutor

class Big(list):
    pass

def size(big):
    return len(big)

if __name__ == "__main__":
    gc.disable()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        future = executor.submit(size, Big())
        future.result()
        condition = weakref.ref(future._condition)
        for _ in range(3):
            executor.submit(size, Big()).result()
        future = None
        print(condition() is None)
    with context.Pool(1) as pool:
        results = pool.imap(size, [Big()])
        print(next(results), end=" ")
        results = weakref.ref(results)
        pool.map(size, [Big()])
        print(results() is None)
"""


@pytest.mark.parametrize("python", sorted({pair[0] for pair in EVERYWHERE}))
def test_nothing_is_kept_alive_by_us(python: str, tmp_path: object) -> None:
    outcome = trace(LETTING_GO, tmp_path, python)  # type: ignore[arg-type]
    assert outcome.out == "True\n0 True\n", outcome.err
