"""Whether anybody asked for a result that is an exception is told at the end, and asking for one shows no frame of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import tasks
from tests.support.traced import EVERYWHERE, NAMES, trace

PROGRAM = """
import multiprocessing, traceback
from concurrent.futures import ProcessPoolExecutor

def bad(name):
    raise ValueError(name)

def asked(ask):
    try:
        ask()
    except ValueError as error:
        for frame in traceback.extract_tb(error.__traceback__):
            if "mptrace" in frame.filename:
                print("a frame of ours:", frame)

if __name__ == "__main__":
    multiprocessing.set_start_method("METHOD")
    with multiprocessing.Pool(1) as pool:
        pool.apply_async(bad, ("dropped",))
        asked(pool.apply_async(bad, ("got",)).get)
        asked(pool.map_async(bad, ["mapped"]).get)
        late = pool.apply_async(bad, ("successful",))
        while not late.ready():
            pass
        print(late.successful())
        pool.apply_async(bad, ("handled",), error_callback=print)
        pool.map_async(bad, ["unmapped"])
        pool.close()
        pool.join()
    with ProcessPoolExecutor(1) as executor:
        dropped = executor.submit(bad, "unasked")
        asked(executor.submit(bad, "result").result)
        print(repr(executor.submit(bad, "exception").exception()))
        executor.submit(bad, "called back").add_done_callback(bool)
        ready = executor.submit(bad, "later")
        while not ready.done():
            pass
        asked(ready.result)
"""


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_only_those_that_nobody_asked_for_are_told_as_such(tmp_path: Path, python: str, method: str) -> None:
    program = PROGRAM.replace("METHOD", method)
    told = trace(program, tmp_path, python)
    assert told.out == "False\nhandled\nValueError('exception')\n"
    assert told.quiet()
    results = {str(record["message"]): record["asked"] for record in told.of(tasks.RESULT_FAILED)}
    unasked = {name for name, was_asked in results.items() if not was_asked}
    assert unasked == {"dropped", "unmapped", "unasked"}
    assert set(results) == unasked | {"got", "mapped", "successful", "result", "exception", "called back", "later"}


SHALLOW = """
import multiprocessing, time

def fails(number):
    raise ValueError(number)

if __name__ == "__main__":
    with multiprocessing.Pool(1) as pool:
        result = pool.apply_async(fails, (1,))
        while "is_set" not in vars(result._event) or not result.ready():
            time.sleep(0.01)
        print(result._event.is_set())  # nobody is above the caller
"""


def test_who_asks_from_the_end_of_a_stack_is_answered(tmp_path: Path) -> None:
    told = trace(SHALLOW, tmp_path)
    assert (told.status, told.out) == (0, "True\n")
    assert told.quiet(), told.err
