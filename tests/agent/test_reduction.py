"""What cannot be pickled is told with the call that sent it, its line, and the path to the object to blame."""

from __future__ import annotations

import pytest

from mptrace.wire.events import failures, processes
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, sys, threading

class Job:
    def __init__(self):
        self.file = open(__file__)

    def run(self):
        pass

class Settings:
    pass

class Own(multiprocessing.Process):
    def __init__(self):
        super().__init__()
        self.guard = threading.Lock()

def work(*arguments, **more):
    pass

def makes(number):  # makes
    return {"made": lambda: number}

def attempt(function, *arguments, **more):
    try:
        function(*arguments, **more)
    except Exception as error:
        print(type(error).__name__)

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    settings = Settings()
    settings.meta = {"cache": [threading.Lock()]}
    if sys.argv[1] != "fork":
        attempt(multiprocessing.Process(target=Job().run).start)
        attempt(multiprocessing.Process(target=work, args=(1, settings)).start)
        attempt(Own().start)
    mine, theirs = multiprocessing.Pipe()
    try:
        mine.send(settings)  # send
    except TypeError:
        pass
    with multiprocessing.Pool(1) as pool:
        try:
            pool.map(work, [1, settings])  # map
        except TypeError:
            pass
        attempt(pool.apply, work, (1,), {"settings": settings})
        attempt(pool.apply, makes, (1,))
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("reduction"), python, arguments=(method,))


def told(outcome: Outcome, call: str) -> list[tuple[object, object]]:
    return [(record["path"], record["offender"]) for record in outcome.of(failures.PICKLE_FAILED) if record["call"] == call]


def test_the_program_runs_as_without_us(outcome: Outcome) -> None:
    assert outcome.status == 0
    assert outcome.quiet(), outcome.err


def test_a_process_names_the_attribute_argument_or_target_to_blame(outcome: Outcome) -> None:
    spawns = outcome.one(processes.STARTED)["start_method"] != "fork"
    expected = [
        ("self.file", "_io.TextIOWrapper"),
        ("args[1].meta['cache'][0]", "_thread.lock"),
        ("self.guard", "_thread.lock"),
    ]
    assert told(outcome, "Process.start") == (expected if spawns else [])
    assert len(outcome.of(processes.START_FAILED)) == (3 if spawns else 0)


def test_a_message_names_its_path_and_line(outcome: Outcome) -> None:
    assert told(outcome, "Connection.send") == [("message.meta['cache'][0]", "_thread.lock")]
    record = next(record for record in outcome.of(failures.PICKLE_FAILED) if record["call"] == "Connection.send")
    assert outcome.line(record) == line_of(PROGRAM, "send")


def test_a_task_names_its_argument_and_the_line_that_submitted_it(outcome: Outcome) -> None:
    assert told(outcome, "Pool.map") == [("argument.meta['cache'][0]", "_thread.lock")]
    assert told(outcome, "Pool.apply") == [("kwargs['settings'].meta['cache'][0]", "_thread.lock")]
    record = next(record for record in outcome.of(failures.PICKLE_FAILED) if record["call"] == "Pool.map")
    assert outcome.line(record) == line_of(PROGRAM, "map")


def test_a_result_names_its_function(outcome: Outcome) -> None:
    assert told(outcome, "Pool result") == [("result['made']", "lambda")]
    record = next(record for record in outcome.of(failures.PICKLE_FAILED) if record["call"] == "Pool result")
    assert record["root"] == "result of makes"
    assert outcome.line(record) == line_of(PROGRAM, "makes")


BROKEN = """
import multiprocessing

class Odd:
    def __reduce__(self):
        return rebuild, ()

def rebuild():
    raise LookupError("gone")  # rebuild

if __name__ == "__main__":
    mine, theirs = multiprocessing.Pipe()
    theirs.send(Odd())
    try:
        mine.recv()  # recv
    except LookupError:
        print("handled")
"""


def test_what_cannot_be_rebuilt_is_told_with_the_call_and_line_that_received_it(tmp_path: object) -> None:
    outcome = trace(BROKEN, tmp_path)  # type: ignore[arg-type]
    record = outcome.one(failures.UNPICKLE_FAILED)
    assert (record["error"], record["message"], record["call"]) == ("LookupError", "gone", "Connection.recv")
    assert outcome.line(record) == line_of(BROKEN, "recv")
    assert outcome.quiet()
