"""A Pool: its shape and parts, the work it gets, its tasks and how they fail, its workers' ends, its own end."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.collect.head import read_head
from mptrace.wire import layout, wait
from mptrace.wire.events import failures, processes, resources, tasks
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, os, sys

class Lost(Exception):
    def __init__(self, url, code):
        super().__init__(url)

def square(number):
    return number * number

def fails(number):
    if number == 2:
        raise ValueError(f"not {number}")  # raises
    return number

def loses(number):
    raise Lost("here", number)  # loses

def dies(number):
    os._exit(9)

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    with multiprocessing.Pool(2) as pool:  # made
        print(pool.map(square, range(6), chunksize=3))  # map
        try:
            pool.map(fails, [1, 2, 3])
        except ValueError as error:
            print(error)
        print(sorted(pool.imap_unordered(square, [1, 2])))
        doomed = pool.apply_async(dies, (1,))  # submitted
        try:
            doomed.get(0.5)
        except multiprocessing.TimeoutError:
            print("late")
    pool = multiprocessing.Pool(1)
    pool.close()  # close
    pool.join()
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("pool"), python, arguments=(method,))


def test_the_program_runs_as_without_us(outcome: Outcome) -> None:
    assert (outcome.status, outcome.out) == (0, "[0, 1, 4, 9, 16, 25]\nnot 2\n[1, 4]\nlate\n")
    assert outcome.quiet(), outcome.err


def test_a_pool_is_told_with_its_shape_its_line_and_its_parts(outcome: Outcome) -> None:
    first, _ = outcome.of(tasks.POOL)
    assert (first["workers"], first["initializer"]) == (2, "")
    assert outcome.line(first) == line_of(PROGRAM, "made")
    roles = {record["role"] for record in outcome.of(resources.PART) if record["owner_key"] == first["pool"]}
    assert roles == {"_inqueue", "_outqueue", "_change_notifier"}


def test_its_workers_find_the_same_key(outcome: Outcome) -> None:
    first, second = outcome.of(tasks.POOL)
    assert {record["pool"] for record in outcome.of(tasks.WORKER)} == {first["pool"], second["pool"]}


def test_work_is_told_with_the_call_the_function_and_the_line(outcome: Outcome) -> None:
    first, _, third, last = outcome.of(tasks.SUBMITTED)
    assert (first["call"], first["function"], first["tasks"]) == ("Pool.map", "square", 2)
    assert outcome.line(first) == line_of(PROGRAM, "map")
    assert (third["call"], third["tasks"]) == ("Pool.imap_unordered", -1)
    assert (last["call"], last["function"], last["tasks"]) == ("Pool.apply_async", "dies", 1)


def test_a_task_that_raises_is_told_with_its_traceback_and_line(outcome: Outcome) -> None:
    record = outcome.one(tasks.FAILED)
    assert (record["function"], record["error"], record["message"]) == ("fails", "ValueError", "not 2")
    assert "in fails" in str(record["traceback"])
    assert outcome.line(record) == line_of(PROGRAM, "raises")


def test_a_dead_worker_is_told_and_its_last_task_stands_in_its_file(outcome: Outcome) -> None:
    gone = outcome.one(tasks.WORKER_JOINED)
    assert gone["code"] == 9
    (path,) = (outcome.path / "processes").glob(f"{gone['child']}-*.mpt")
    data = path.read_bytes()
    assert [cell.text for cell in read_head(data, data).doings] == ["dies(1)"]


def test_the_end_of_a_pool_is_told_with_its_call_and_what_was_left(outcome: Outcome) -> None:
    states = {record["call"]: record for record in outcome.of(tasks.POOL_STATE)}
    assert states["__exit__"]["pending"] == 1
    assert outcome.line(states["close"]) == line_of(PROGRAM, "close")


LOSING = (
    PROGRAM[: PROGRAM.index("    with multi")]
    + """
    with multiprocessing.Pool(1) as pool:
        pool.apply_async(loses, (404,))
        pool._result_handler.join()
        print("hangs")
"""
)


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_an_exception_that_its_class_cannot_rebuild_is_told_on_both_sides(python: str, method: str, tmp_path: object) -> None:
    outcome = trace(LOSING, tmp_path, python, arguments=(method,))  # type: ignore[arg-type]
    record = outcome.one(failures.NOT_REBUILDABLE)
    assert (record["error"], record["function"]) == ("Lost", "loses")
    assert record["why"] == "Lost.__init__() takes 2 arguments, but args has 1 argument"
    assert outcome.line(record, "raised") == line_of(LOSING, "loses")
    assert outcome.one(failures.UNPICKLE_FAILED)["call"] == "Pool result"
    assert outcome.out == "hangs\n"


STARTING = """
import multiprocessing, os, sys

def start():
    raise RuntimeError("not today")  # start

def nothing():
    pass

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    pool = multiprocessing.Pool(1, initializer=start)
    pool.apply_async(nothing)
    pool._pool[0].join()
    pool.terminate()
"""


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_a_failing_initializer_is_told(python: str, method: str, tmp_path: object) -> None:
    outcome = trace(STARTING, tmp_path, python, arguments=(method,))  # type: ignore[arg-type]
    record = outcome.of(tasks.INITIALIZER_FAILED)[0]
    assert (record["error"], record["message"]) == ("RuntimeError", "not today")
    assert outcome.line(record) == line_of(STARTING, "start")
    assert outcome.of(processes.RETURNED)[0]["code"] == 1
    assert outcome.quiet()


WAITING = """
import multiprocessing, os, sys, time

def naps():
    time.sleep(60)

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    pool = multiprocessing.Pool(1)
    result = pool.apply_async(naps)
    os.kill(os.getpid(), 0)
    import signal
    signal.setitimer(signal.ITIMER_REAL, 1)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    result.get()  # waits
"""


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_who_waits_for_a_result_stands_on_the_board(python: str, method: str, tmp_path: object) -> None:
    outcome = trace(WAITING, tmp_path, python, arguments=(method,))  # type: ignore[arg-type]
    pool = outcome.one(tasks.POOL)
    (path,) = (outcome.path / "processes").glob(f"{pool.pid}-*.mpt")
    words = memoryview(path.read_bytes()[: layout.HELD]).cast("Q")
    first = layout.BOARD // 8
    slots = [words[at : at + layout.THREAD_WORDS] for at in range(first, len(words), layout.THREAD_WORDS)]
    (slot,) = [slot for slot in slots if slot[layout.T_WAIT] & 0xFF == wait.RESULT]
    assert slot[layout.T_WAIT + layout.S_KEY] == pool["pool"]
    assert slot[layout.T_WAIT + layout.S_TIMEOUT] == 0


INTERRUPTED = """
import multiprocessing, os, signal

def waits_for_a_task(pid):
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().startswith("0 ")  # read

if __name__ == "__main__":
    pool = multiprocessing.Pool(1)
    worker = pool._pool[0]
    pool.apply(abs, (1,))
    while not waits_for_a_task(worker.pid):
        pass
    os.kill(worker.pid, signal.SIGINT)
    worker.join()
    pool.terminate()
"""


UNASKED = INTERRUPTED.replace("    pool.apply(abs, (1,))\n", "").replace("Pool(1)", "Pool(1, initializer=id, initargs=(1,))")


def test_a_worker_that_ctrl_c_ended_before_its_first_task_had_no_failing_initializer(tmp_path: Path) -> None:
    outcome = trace(UNASKED, tmp_path)
    assert not outcome.of(tasks.INITIALIZER_FAILED)
    assert outcome.quiet(), outcome.err


def test_the_traceback_of_a_worker_that_ctrl_c_ended_shows_no_frame_of_ours(tmp_path: Path) -> None:
    outcome = trace(INTERRUPTED, tmp_path)
    assert "KeyboardInterrupt" in outcome.err
    assert outcome.quiet(), outcome.err


SWALLOWED = """
import multiprocessing

SEATS = {1: "aisle"}

def announce(number):
    return SEATS[number]  # raises

if __name__ == "__main__":
    with multiprocessing.Pool(1) as pool:
        print(pool.apply_async(abs, (-1,), callback=announce).get())
        lost = pool.apply_async(abs, (-2,), callback=announce)
        print(pool.apply_async(abs, (-1,), callback=announce).get())
        print(lost.ready())
"""


def test_a_key_error_of_a_callback_that_the_pool_swallows_is_told(tmp_path: Path) -> None:
    outcome = trace(SWALLOWED, tmp_path)
    assert (outcome.status, outcome.out) == (0, "1\n1\nFalse\n")
    assert outcome.quiet(), outcome.err
    (record,) = outcome.of(failures.CALLBACK_FAILED)
    assert (record["function"], record["error"], record["message"]) == ("announce", "KeyError", "2")
    assert outcome.line(record) == line_of(SWALLOWED, "raises")
    assert "callbacks.py" not in record["traceback"]
