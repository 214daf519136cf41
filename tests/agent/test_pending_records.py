"""Records whose writer never came back are bounded and counted: the host's memory does not grow with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.traced import trace

PROGRAM = """
import multiprocessing.process, sys
recorder = sys.modules["_mptrace.agent.recorder"]
from _mptrace.wire import layout
from _mptrace.wire.events import agents
assert recorder._writing.acquire(False)  # as a handler leaves it that raises right behind our acquire
for _ in range(recorder.PENDING + 7):
    recorder.log(agents.NOTE, "x")
print(len(recorder._pending) == recorder.PENDING, recorder.words[layout.H_LOST_LOG])
"""


def test_they_are_bounded_and_the_loss_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPTRACE_PURE_PYTHON", "1")  # the compiled one is not interrupted by handlers
    outcome = trace(PROGRAM, tmp_path, sys.executable)
    assert outcome.out == "True 7\n", outcome.err
