"""How a process ends: orderly, by os._exit of the program, by an exception of the main program."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire import layout, rundir
from mptrace.wire.events import failures, processes
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, os, sys

def fine():
    pass

def hard():
    os._exit(7)  # hard

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for target in (fine, hard):
        child = multiprocessing.Process(target=target)
        child.start()
        child.join()
    raise LookupError("the end")  # main
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("exits"), python, arguments=(method,))


def ended(outcome: Outcome, pid: int) -> bool:
    """Does the header of a process's file say that its exit handlers ran?"""
    (path,) = (outcome.path / rundir.PROCESSES).glob(f"{pid}-*.mpt")
    words = memoryview(path.read_bytes())[: layout.HEADER_SIZE].cast("Q")
    return bool(words[layout.H_ENDED])


def test_os_exit_of_the_program_is_told_with_its_line_and_the_librarys_own_is_not(outcome: Outcome) -> None:
    record = outcome.one(processes.HARD_EXIT)
    assert record["code"] == 7
    assert outcome.line(record) == line_of(PROGRAM, "hard")


def test_an_exception_of_the_main_program_is_told_and_excepthook_stays_its_own(outcome: Outcome) -> None:
    record = outcome.one(failures.UNCAUGHT)
    assert (record["error"], record["message"], record["where"]) == ("LookupError", "the end", "main")
    assert outcome.line(record) == line_of(PROGRAM, "main")
    assert outcome.status == 1
    assert outcome.quiet(), outcome.err


def test_an_orderly_end_is_told_and_a_hard_one_leaves_its_mark_empty(outcome: Outcome) -> None:
    fine, hard = (record["child"] for record in outcome.of(processes.STARTED))
    assert ended(outcome, int(fine))
    assert not ended(outcome, int(hard))
    assert ended(outcome, outcome.of(processes.STARTED)[0].pid)


HANDLED = """
import multiprocessing, sys, traceback
try:
    raise ValueError("a test runner keeps this")
except ValueError as error:
    def keep():
        sys.last_value = sys.last_exc = error
    try:
        raise KeyError from None
    except KeyError as inner:
        sys.last_value = sys.last_exc = None
"""


def test_an_exception_that_was_handled_is_no_end(tmp_path: Path) -> None:
    outcome = trace(HANDLED, tmp_path)
    assert outcome.status == 0
    assert not outcome.of(failures.UNCAUGHT)
    assert outcome.one(processes.EXITING)["code"] == -1


RUNNER = """
import multiprocessing, sys

def fails():
    raise ValueError("a failing test")

def call():
    try:
        fails()
    except ValueError as error:
        sys.last_type, sys.last_value, sys.last_exc = type(error), error, error

call()
"""


def test_an_exception_that_a_test_runner_keeps_is_no_end(tmp_path: Path) -> None:
    outcome = trace(RUNNER, tmp_path)
    assert outcome.status == 0
    assert not outcome.of(failures.UNCAUGHT)
