"""Two traced processes that do the same, one with the compiled recorder and one without."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

from mptrace.wire import rundir
from tests.support.traced import PACKAGE, environment

PROGRAM = Path(__file__).parent / "twin_program.py"
LIMIT_S = 60


def is_built() -> bool:
    """Is there a compiled recorder in the package?"""
    return any((PACKAGE / "agent/native").glob("_recorder*.so"))


class Twin:
    """One of the two; use as a context."""

    def __init__(self, run: Path, *, pure: bool, slower: int, python: str = sys.executable) -> None:
        (run / rundir.PROCESSES).mkdir(parents=True)
        env = {**os.environ, **environment(run), "MPTRACE_PURE_PYTHON": str(int(pure)), "_MPTRACE_SLOWER": str(slower)}
        self.process = subprocess.Popen(
            [python, "-X", "faulthandler", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True
        )
        self.kind = self._answer()

    def do(self, operations: list[list[object]]) -> list[object]:
        """Return [result, board] after each of the operations."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(operations) + "\n")
        self.process.stdin.flush()
        return self._answer()  # type: ignore[return-value]

    def _answer(self) -> object:
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT_S)
        assert ready, "no answer"
        return json.loads(self.process.stdout.readline())

    def __enter__(self) -> Twin:  # noqa: PYI034 - Self is of 3.11
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)
