"""Run one of our programs bare and with the agent in it, at the same time, and return what each printed."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from mptrace.wire import rundir
from tests.support.traced import environment

PROGRAMS = Path(__file__).with_name("programs")
LIMIT_S = 100


def outputs(python: str, program: str, path: Path, *arguments: str, options: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """Return the lines that the bare program and the traced one printed to stdout; both must have ended with 0."""
    run = path / "run"
    (run / rundir.PROCESSES).mkdir(parents=True)
    command = [python, *options, str(PROGRAMS / f"{program}.py"), *arguments]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTHON", "_MPTRACE"))}
    with _start(command, path / "bare", plain) as bare, _start(command, path / "traced", plain | environment(run)) as traced:
        try:
            return _lines(bare), _lines(traced)
        finally:
            _kill(bare)
            _kill(traced)


def _start(command: list[str], path: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    path.mkdir()
    return subprocess.Popen(
        command, cwd=path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _lines(job: subprocess.Popen[str]) -> list[str]:
    out, err = job.communicate(timeout=LIMIT_S)
    assert job.returncode == 0, err[-2000:]
    return out.splitlines()


def _kill(job: subprocess.Popen[str]) -> None:
    """Whatever is left of its session."""
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
