"""What goes through a manager's proxy: copies that are taken out, and stores, each line told once a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import shared
from tests.support.traced import EVERYWHERE, NAMES, line_of, trace

PROGRAM = """
import sys
from multiprocessing import Manager, Process, set_start_method

def work(table, value, space):
    for _ in range(3):
        table["rows"].append(1)  # copy
        table["count"] += 1  # item
        value.set(value.get() + 1)  # value
        space.seen = 2  # attribute

if __name__ == "__main__":
    set_start_method(sys.argv[1])
    with Manager() as manager:
        table, value, space = manager.dict(rows=[], count=0), manager.Value("i", 0), manager.Namespace()
        child = Process(target=work, args=(table, value, space))
        child.start()
        child.join()
        print(table["count"], value.get(), space.seen)
"""


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_each_line_that_takes_a_copy_or_stores_is_told_once(tmp_path: Path, python: str, method: str) -> None:
    told = trace(PROGRAM, tmp_path, python, arguments=(method,))
    assert told.quiet(), told.err
    assert told.out == "3 3 2\n"
    assert [told.line(record) for record in told.of(shared.COPY_TAKEN)] == [line_of(PROGRAM, "copy")]
    stored = told.of(shared.WRITTEN)
    assert sorted(told.line(record) for record in stored) == [line_of(PROGRAM, mark) for mark in ("item", "value", "attribute")]
    assert len({record["object"] for record in stored}) == 3
