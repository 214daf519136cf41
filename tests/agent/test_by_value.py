"""Picklers that send functions by value: what a function takes along is searched, in a real joblib and on objects."""

from __future__ import annotations

import sys
import threading
import types
from pathlib import Path

import pytest

from mptrace.wire.events import failures
from tests.support.traced import PACKAGE, line_of, trace

lock = threading.Lock()


def by_value() -> types.ModuleType:
    """Load the agent's module as the agent is loaded: by path, under its private name."""
    package = sys.modules.setdefault("_mptrace", types.ModuleType("_mptrace"))
    package.__path__ = [str(PACKAGE)]
    from _mptrace.agent.probes import by_value  # type: ignore[import-not-found]

    return by_value  # type: ignore[no-any-return]


def closure() -> object:
    held = threading.Lock()
    return lambda: held


def default() -> object:
    return lambda more=lock: more


def nested() -> object:
    held = {"a": [threading.Lock()]}

    def outer() -> object:
        def inner() -> object:
            return held

        return inner

    return outer


FOUND = [
    (closure(), "f -> held"),
    (default(), "f default [0]"),
    (nested(), "f -> held['a'][0]"),
    (lambda: lock, "f -> lock"),
    ([lambda: [lock for _ in range(2)]], "f[0] -> lock"),
]


@pytest.mark.parametrize(("sent", "path"), FOUND, ids=[path for _, path in FOUND])
def test_what_a_function_takes_along_is_searched(sent: object, path: str) -> None:
    search = by_value().ByValue(1.0, TypeError("cannot pickle '_thread.lock' object"))
    assert search.find_in([("f", sent)]) == (path, "_thread.lock")


def test_a_function_that_the_receiver_can_import_takes_nothing_along() -> None:
    assert by_value().ByValue(1.0, None).find_in([("f", threading.current_thread)]) == ("", "")


PROGRAM = """
import threading
from joblib import Parallel, delayed

guard = threading.Lock()

def load(number):
    with guard:
        return number

if __name__ == "__main__":
    try:
        Parallel(n_jobs=2)(delayed(load)(number) for number in range(4))  # sends
    except Exception as error:
        print(type(error).__name__)
"""


def test_a_call_that_joblib_cannot_send_is_told_at_the_line_of_the_program(tmp_path: Path) -> None:
    pytest.importorskip("joblib", reason="joblib is not installed")
    outcome = trace(PROGRAM, tmp_path)
    assert outcome.out.split() == ["PicklingError"]
    failed = outcome.of(failures.PICKLE_FAILED)[0]
    assert (failed["path"], failed["offender"]) == ("load -> guard", "_thread.lock")
    assert outcome.line(failed) == line_of(PROGRAM, "sends")


def test_a_pickler_alone_makes_no_process_one_that_is_recorded(tmp_path: Path) -> None:
    pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    program = "import sys, cloudpickle\nprint('_mptrace.agent.recorder' in sys.modules, 'multiprocessing' in sys.modules)"
    assert trace(program, tmp_path).out.split() == ["False", "False"]
