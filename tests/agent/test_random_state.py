"""A generator that a forked child inherits and draws from is told, with the line; one of its own is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import shared
from tests.support.traced import line_of, pythons, trace, version_of

PROGRAM = """
import multiprocessing, random

inherited, own = random.Random(7), random.Random(8)

def draw(seed):
    own.seed(seed)
    own.random()
    inherited.random()  # drawn

if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    children = [multiprocessing.Process(target=draw, args=(seed,)) for seed in (1, 2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
"""


@pytest.mark.parametrize("python", pythons(), ids=version_of)
def test_children_that_drew_from_the_same_state_end_in_the_same(tmp_path: Path, python: str) -> None:
    told = trace(PROGRAM, tmp_path, python)
    used = [record for record in told.of(shared.RANDOM_USED) if record["name"] == "inherited"]
    assert told.quiet()
    assert len(used) == 2
    assert {record["line"] for record in used} == {line_of(PROGRAM, "drawn")}
    assert len({(record["before"], record["keys"]) for record in used}) == 1
    assert [record for record in told.of(shared.RANDOM_USED) if record["name"] == "own"] == []


WORKERS = """
import multiprocessing, random
from concurrent.futures import ProcessPoolExecutor

inherited, own = random.Random(7), random.Random(8)

def draw(number):
    for _ in range(1000):
        inherited.random()  # drawn

def reseed(number):
    own.seed(3)
    own.random()

if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    with multiprocessing.Pool(1) as one, multiprocessing.Pool(1) as other, ProcessPoolExecutor(1) as third:
        for function in (draw, reseed):
            one.map(function, [1, 2]), other.map(function, [3, 4]), list(third.map(function, [5, 6]))
"""


@pytest.mark.parametrize("python", pythons(), ids=version_of)
def test_workers_tell_what_their_first_tasks_drew_from(tmp_path: Path, python: str) -> None:
    told = trace(WORKERS, tmp_path, python)
    used = told.of(shared.RANDOM_USED)
    assert told.quiet()
    assert [(record["name"], record["line"]) for record in used] == [("inherited", line_of(WORKERS, "drawn"))] * 3
    assert len({record["before"] for record in used}) == 1
