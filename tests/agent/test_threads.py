"""Threads: who started them, whom they serve, how they died."""

from __future__ import annotations

import pytest

from mptrace.wire.events import tasks, threads
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import concurrent.futures, multiprocessing, sys, threading

def dies():
    raise OSError("thread")  # dies

def square(number):
    return number * number

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    threading.excepthook = lambda arguments: print("mine", arguments.exc_type.__name__)
    thread = threading.Thread(target=dies, name="doomed")
    thread.start()  # start
    thread.join()
    queue = multiprocessing.Queue()
    queue.put(1)
    queue.get()
    with multiprocessing.Pool(1) as pool:
        pool.map(square, [1])
    with concurrent.futures.ProcessPoolExecutor(1) as executor:
        executor.submit(square, 2).result()
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("threads"), python, arguments=(method,))


def test_the_programs_own_excepthook_is_called(outcome: Outcome) -> None:
    assert (outcome.status, outcome.out) == (0, "mine OSError\n")
    assert outcome.quiet(), outcome.err


def test_a_thread_is_told_with_its_target_and_line(outcome: Outcome) -> None:
    record = next(record for record in outcome.of(threads.STARTED) if record["name"] == "doomed")
    assert (record["target"], record["role"]) == ("dies", "user")
    assert outcome.line(record) == line_of(PROGRAM, "start")
    assert record["thread"] in {ended["thread"] for ended in outcome.of(threads.ENDED)}


def test_a_thread_that_dies_is_told_with_its_error(outcome: Outcome) -> None:
    record = outcome.one(threads.DIED)
    assert (record["name"], record["error"], record["message"]) == ("doomed", "OSError", "thread")
    assert outcome.line(record) == line_of(PROGRAM, "dies")


def test_service_threads_are_told_with_their_role_and_what_they_serve(outcome: Outcome) -> None:
    main = outcome.one(threads.DIED).pid
    served = {record["role"]: record["serves"] for record in outcome.of(threads.STARTED) if record.pid == main}
    pool, executor = (record["pool"] for record in outcome.of(tasks.POOL))
    for role in ("pool worker handler", "pool task handler", "pool result handler"):
        assert served[role] == pool
    assert served["executor manager"] == executor
    assert served["queue feeder"] > 0
