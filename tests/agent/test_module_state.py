"""Module-level variables: told when a child changes them and its parent reads its own afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import shared
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, sys

counter = 0
deep = None
unread = 1
kept_cache = {}
rows = []

def work():
    global counter
    counter += 5  # store
    below()

def below():
    global deep, unread
    deep, unread = "changed", 2
    kept_cache["page"] = 1
    rows.append(1)  # added

def report():
    print(deep)  # below

def main():
    before = counter, unread
    child = multiprocessing.Process(target=work)
    child.start()
    child.join()
    print(counter, len(kept_cache))  # read
    report()
    print(rows)

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    main()
"""


@pytest.fixture(scope="module", params=EVERYWHERE, ids=NAMES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    python, method = request.param
    return trace(PROGRAM, tmp_path_factory.mktemp("state"), python, arguments=(method,))


def test_a_change_in_the_child_is_told_with_both_values_and_its_line(outcome: Outcome) -> None:
    changed = {record["name"]: record for record in outcome.of(shared.GLOBAL_CHANGED)}
    assert changed.keys() == {"counter", "deep", "unread", "rows"}
    record = changed["counter"]
    assert (record["module"], record["before"], record["after"]) == ("__main__", "0", "5")
    assert (record["line"], record["function"], record["how"]) == (line_of(PROGRAM, "store"), "work", "store")
    added = changed["rows"]
    assert (added["before"], added["after"], added["line"], added["how"]) == ("[]", "[1]", line_of(PROGRAM, "added"), "change")


def test_the_parents_value_is_told_where_it_is_read_after_the_start(outcome: Outcome) -> None:
    read = {record["name"]: record for record in outcome.of(shared.GLOBAL_READ)}
    assert read.keys() == {"counter", "deep", "rows"}
    assert (read["counter"]["value"], read["counter"]["line"]) == ("0", line_of(PROGRAM, "read"))
    assert read["deep"]["line"] == line_of(PROGRAM, "below")
    assert outcome.out == "0 0\nNone\n[]\n"
    assert outcome.quiet(), outcome.err


WORKERS = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor

class State:
    pass

state, counted, own = State(), set(), []
state.calls = 0

def work(number):
    state.calls += 1  # attribute
    counted.add(number)
    own.append(number)
    return number

def main(kind):
    if kind == "pool":
        with multiprocessing.Pool(1) as pool:
            own.extend(pool.map(work, range(3)))
    else:
        with ProcessPoolExecutor(1) as executor:
            own.extend(executor.map(work, range(3)))
    print(state.calls, len(counted), own)

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    main(sys.argv[2])
"""


@pytest.mark.parametrize("kind", ["pool", "executor"])
@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_workers_tell_what_their_tasks_changed_although_a_signal_ends_them(
    tmp_path: Path, python: str, method: str, kind: str
) -> None:
    told = trace(WORKERS, tmp_path, python, arguments=(method, kind))
    changed = {record["name"]: record["line"] for record in told.of(shared.GLOBAL_CHANGED)}
    assert changed.keys() == {"state.calls", "counted", "own"}
    assert changed["state.calls"] == line_of(WORKERS, "attribute")
    assert {record["name"] for record in told.of(shared.GLOBAL_READ)} == {"state.calls", "counted"}  # own has a use of its own
    assert told.quiet(), told.err
