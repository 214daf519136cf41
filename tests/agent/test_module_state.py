"""Module-level variables: told when a child changes them and its parent reads its own afterwards."""

from __future__ import annotations

import pytest

from mptrace.wire.events import shared
from tests.support.traced import EVERYWHERE, NAMES, Outcome, line_of, trace

PROGRAM = """
import multiprocessing, sys

counter = 0
deep = None
unread = 1
kept = {}

def work():
    global counter
    counter += 5  # store
    below()

def below():
    global deep, unread
    deep, unread = "changed", 2
    kept["cache"] = 1

def report():
    print(deep)  # below

def main():
    before = counter, unread
    child = multiprocessing.Process(target=work)
    child.start()
    child.join()
    print(counter, len(kept))  # read
    report()

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
    assert changed.keys() == {"counter", "deep", "unread"}
    record = changed["counter"]
    assert (record["module"], record["before"], record["after"]) == ("__main__", "0", "5")
    assert (record["line"], record["function"]) == (line_of(PROGRAM, "store"), "work")


def test_the_parents_value_is_told_where_it_is_read_after_the_start(outcome: Outcome) -> None:
    read = {record["name"]: record for record in outcome.of(shared.GLOBAL_READ)}
    assert read.keys() == {"counter", "deep"}
    assert (read["counter"]["value"], read["counter"]["line"]) == ("0", line_of(PROGRAM, "read"))
    assert read["deep"]["line"] == line_of(PROGRAM, "below")
    assert outcome.out == "0 0\nNone\n"
    assert outcome.quiet(), outcome.err
