"""A connection that a fork left in two processes: each tells where it first uses it afterwards, each way."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire import wait
from mptrace.wire.events import resources
from tests.support.traced import pythons, trace, version_of

PROGRAM = """
import os
from multiprocessing import Lock, Manager, Pipe, Queue

if __name__ == "__main__":
    ours, theirs = Pipe()
    ours.send(0)
    theirs.recv()
    queue, turn = Queue(), Lock()
    queue.put(0)
    queue.get()
    if os.fork() == 0:
        ours.send(1)
        with turn:
            ours.recv()
        os._exit(0)
    theirs.recv()
    theirs.send(2)
    theirs.send(3)
    queue.put(1)
    queue.get()
    os.wait()
    ours.close()
"""


@pytest.mark.parametrize("pure", ["", "1"], ids=["compiled", "pure"])
@pytest.mark.parametrize("python", pythons(), ids=version_of)
def test_each_side_of_a_fork_tells_its_first_use_and_no_queue_does(
    tmp_path: Path, python: str, pure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPTRACE_PURE_PYTHON", pure)
    told = trace(PROGRAM, tmp_path, python)
    uses = told.of(resources.USED_AFTER_FORK)
    assert told.quiet()
    assert sorted((use["way"], use["guarded"]) for use in uses) == [
        (wait.RECV, 0),
        (wait.RECV, 1),
        (wait.SEND, 0),
        (wait.SEND, 0),
    ]
    assert len(uses) == 4
    assert len({use["key"] for use in uses}) == 2
    assert {use["manager"] for use in uses} == {0}
