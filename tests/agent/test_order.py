"""Orders in which a process takes locks, and where its other threads were at a fork, are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import processes, resources
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, sys, threading

def nested(first, second):
    for _ in range(3):
        with first:
            with second:  # nested
                pass
        with second:
            pass
    first.acquire()
    second.acquire()
    first.release()
    third = multiprocessing.Lock()
    with third:  # over crossing
        pass
    second.release()

def stands(here, go_on):
    with here:
        go_on.acquire()  # stands

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    locks = multiprocessing.Lock(), multiprocessing.RLock()
    nested(*locks)
    go_on = threading.Lock()
    go_on.acquire()
    thread = threading.Thread(target=stands, args=(threading.Lock(), go_on), name="stander")
    thread.start()
    child = multiprocessing.Process(target=nested, args=locks)
    child.start()
    child.join()
    go_on.release()
    thread.join()
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("order"), python, arguments=(method,))


def test_each_process_tells_an_order_once(outcome: Outcome) -> None:
    assert outcome.quiet()
    told = outcome.of(resources.LOCK_ORDER)
    lines = sorted(outcome.line(record) for record in told)
    assert lines == sorted([line_of(PROGRAM, "nested"), line_of(PROGRAM, "over crossing")] * 2)


def test_what_was_released_in_between_is_no_outer_lock(outcome: Outcome) -> None:
    assert all(len(str(record["held"]).split()) == 1 for record in outcome.of(resources.LOCK_ORDER))


def test_a_forked_child_tells_where_the_threads_were_that_it_lacks(outcome: Outcome) -> None:
    told = outcome.of(processes.FORK_THREAD)
    if not told:  # spawn and forkserver start with a process that has no threads
        assert not outcome.of(processes.FORK_THREADS)
        return
    (record,) = told
    assert (record["name"], outcome.line(record)) == ("stander", line_of(PROGRAM, "stands"))


HOT = """
import multiprocessing

def heat(lock):
    for _ in range(1000):
        with lock:
            pass

def cold_then_hot(outer, inner):
    with outer:
        with inner:  # hot inside
            pass

def hot_then_cold(outer, inner):
    with outer:
        with inner:  # cold inside
            pass

if __name__ == "__main__":
    hot, cold = multiprocessing.Lock(), multiprocessing.Lock()
    heat(hot)
    cold_then_hot(cold, hot)
    heat(hot)
    hot_then_cold(hot, cold)
"""


@pytest.mark.parametrize("twin", ["compiled", "pure"])
def test_a_new_order_is_told_of_a_lock_that_is_too_hot_to_be_noted_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twin: str
) -> None:
    monkeypatch.setenv("MPTRACE_PURE_PYTHON", "1" if twin == "pure" else "")
    outcome = trace(HOT, tmp_path)
    assert outcome.quiet()
    lines = [outcome.line(record) for record in outcome.of(resources.LOCK_ORDER)]
    assert lines == [line_of(HOT, "hot inside"), line_of(HOT, "cold inside")]
