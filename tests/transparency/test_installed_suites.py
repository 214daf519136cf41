"""A part of CPython's own multiprocessing tests, of every Python at hand: each test comes out under mptrace as it does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.versions import everywhere

HOME = Path(__file__).resolve().parents[2]
SUITE = HOME / "tests" / "support" / "suite.py"
CLASSES = (
    "TestLock",
    "TestSemaphore",
    "TestCondition",
    "TestEvent",
    "TestQueue",
    "TestConnection",
    "TestSharedMemory",
    "TestProcess",
)
LIMIT_S = 240


def _has_tests(python: str) -> bool:
    probe = [python, "-c", "import test._test_multiprocessing"]
    return subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode == 0


def _start(command: list[str], cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=cwd)


def _outcomes(process: subprocess.Popen[str]) -> dict[str, str]:
    try:
        lines = process.communicate(timeout=LIMIT_S)[0].splitlines()
    finally:
        process.kill()
    assert process.returncode == 0
    pairs = (line.partition(" ") for line in lines if line.startswith("WithProcesses"))
    return {test: outcome.partition(" ")[0] for test, _, outcome in pairs}


@pytest.mark.slow
@everywhere
def test_every_test_comes_out_as_without_us(tmp_path: Path, python: str) -> None:
    if not _has_tests(python):
        pytest.skip(f"{python} was installed without its test package")
    suite = [python, str(SUITE), "fork", *CLASSES]
    for way in ("bare", "traced"):
        (tmp_path / way).mkdir()
    bare = _start(suite, tmp_path / "bare")
    traced = _start(
        [sys.executable, "-m", "mptrace", "run", "--quiet", "--output", str(tmp_path / "run"), "--", *suite], tmp_path / "traced"
    )
    expected, found = _outcomes(bare), _outcomes(traced)
    assert len(expected) > 50
    assert found == expected
