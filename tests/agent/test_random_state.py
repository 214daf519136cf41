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
    seeded = [record["keys"] for record in told.of(shared.RANDOM_USED) if record["name"] == "own"]
    assert len(set(seeded)) == 2
