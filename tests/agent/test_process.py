"""A Process as its parent and itself tell it: started, run, returned or failed, reaped, joined, signalled."""

from __future__ import annotations

import pytest

from mptrace.wire.events import failures, processes
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, os, sys, time

def fine(number):
    pass

def fails(number):
    raise ValueError(f"no {number}")  # raises

def quits():
    sys.exit(3)  # quits

def sleeps(ready):
    ready.send(1)
    time.sleep(60)

class Own(multiprocessing.Process):
    def run(self):
        raise KeyError("own")  # own

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    try:
        raise RuntimeError("handled by the parent while it forks")
    except RuntimeError:
        child = multiprocessing.Process(target=fine, args=(1,), name="first")
        child.start()  # start
    child.join()  # join
    for child in (multiprocessing.Process(target=fails, args=(2,)), multiprocessing.Process(target=quits), Own()):
        child.start()
        child.join()
        print(child.exitcode)  # read
        child.exitcode
    mine, theirs = multiprocessing.Pipe()
    child = multiprocessing.Process(target=sleeps, args=(theirs,))
    child.start()
    mine.recv()
    child.join(0.01)
    child.terminate()  # terminate
    child.join()
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("process"), python, arguments=(method,))


def test_the_program_runs_as_without_us(outcome: Outcome) -> None:
    assert outcome.status == 0
    assert outcome.out.split() == ["1", "3", "1"]
    assert outcome.quiet(), outcome.err


def test_a_start_is_told_with_its_line_and_the_child_with_its_target(outcome: Outcome) -> None:
    started, running = outcome.of(processes.STARTED)[0], outcome.of(processes.RUNNING)
    assert (started["name"], started["target"]) == ("first", "fine")
    assert outcome.line(started) == line_of(PROGRAM, "start")
    assert {record["target"] for record in running} == {"fine", "fails", "quits", "sleeps", "Own.run"}
    assert running[0].pid == started["child"]
    assert running[0]["target_line"] == 4
    assert started["start_method"] == running[0]["start_method"] != ""


def test_an_exception_is_told_with_its_traceback_and_the_line_that_raised(outcome: Outcome) -> None:
    first, second = outcome.of(failures.UNCAUGHT)
    assert (first["error"], first["message"], first["where"]) == ("ValueError", "no 2", "process")
    assert outcome.line(first) == line_of(PROGRAM, "raises")
    assert "in fails" in str(first["traceback"])
    assert "/agent/" not in str(first["traceback"])
    assert outcome.line(second) == line_of(PROGRAM, "own")


def test_sys_exit_is_told_with_its_line(outcome: Outcome) -> None:
    record = outcome.one(processes.SYSTEM_EXIT)
    assert record["code"] == 3
    assert outcome.line(record) == line_of(PROGRAM, "quits")


def test_what_the_child_returns_is_told(outcome: Outcome) -> None:
    assert [record["code"] for record in outcome.of(processes.RETURNED)] == [0, 1, 3, 1]


def test_each_end_is_told_once_with_its_code(outcome: Outcome) -> None:
    assert [record["code"] for record in outcome.of(processes.REAPED)] == [0, 1, 3, 1, -15]
    assert {record["how"] for record in outcome.of(processes.REAPED)} == {"Process.join"}


def test_a_join_is_told_with_its_line_and_whether_it_was_the_end(outcome: Outcome) -> None:
    records = outcome.of(processes.JOINED)
    assert [record["done"] for record in records] == [1, 1, 1, 1, 0, 1]
    assert outcome.line(records[0]) == line_of(PROGRAM, "join")


def test_reading_an_exit_code_is_told_once_a_child(outcome: Outcome) -> None:
    records = outcome.of(processes.EXIT_CODE_READ)
    assert len(records) == 3
    assert outcome.line(records[0]) == line_of(PROGRAM, "read")


def test_terminate_is_told_with_its_line(outcome: Outcome) -> None:
    record = outcome.one(processes.SIGNALLED)
    assert (record["signal"], record["call"]) == (15, "Process.terminate")
    assert outcome.line(record) == line_of(PROGRAM, "terminate")


UNGUARDED = """
import multiprocessing, sys

def fine():
    pass

multiprocessing.set_start_method(sys.argv[1], force=True)
child = multiprocessing.Process(target=fine)
child.start()  # unguarded
child.join()
"""


@pytest.mark.parametrize(("python", "method"), [pair for pair in EVERYWHERE if pair[1] != "fork"])
def test_a_missing_main_guard_is_told_with_the_line_that_needs_it(python: str, method: str, tmp_path: object) -> None:
    outcome = trace(UNGUARDED, tmp_path, python, arguments=(method,))  # type: ignore[arg-type]
    record = outcome.one(failures.UNCAUGHT)
    assert (record["error"], record["where"]) == ("RuntimeError", "spawn")
    assert "bootstrapping phase" in str(record["message"])
    assert outcome.line(record) == line_of(UNGUARDED, "unguarded")


LOST_NAME = """
import multiprocessing, sys

if __name__ == "__main__":
    def only_here():
        pass
    multiprocessing.set_start_method("spawn")
    child = multiprocessing.Process(target=only_here)
    child.start()
    child.join()
"""


@pytest.mark.parametrize("python", [pair[0] for pair in EVERYWHERE if pair[1] == "spawn"])
def test_a_target_that_the_child_cannot_find_is_told(python: str, tmp_path: object) -> None:
    outcome = trace(LOST_NAME, tmp_path, python)  # type: ignore[arg-type]
    record = outcome.one(failures.UNPICKLE_FAILED)
    assert (record["error"], record["call"]) == ("AttributeError", "Process.start")
    assert "only_here" in str(record["message"])
    assert outcome.one(processes.BOOTSTRAP_PHASE)["phase"] == "process"
