"""Functions that the interpreter calls itself, with nobody's frame below them: no probe is switched off by that."""

from __future__ import annotations

from pathlib import Path

from tests.support.traced import trace
from tests.support.versions import everywhere

PROGRAM = """
import atexit, multiprocessing, os, signal

if __name__ == "__main__":
    multiprocessing.get_logger()  # hands util._exit_function to atexit
    pool = multiprocessing.get_context("fork").Pool(1)
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join()
    atexit.register(os._exit, 5)
    atexit.register(pool.terminate)
    atexit.register(pool.apply_async, int)
    atexit.register(getattr, child, "exitcode")
    atexit.register(os.posix_spawn, "/bin/true", ["true"], {})
    atexit.register(os.kill, os.getpid(), signal.SIGCONT)
"""


@everywhere
def test_the_program_runs_as_without_us_and_every_probe_stays_on(tmp_path: Path, python: str) -> None:
    outcome = trace(PROGRAM, tmp_path, python)
    assert (outcome.status, outcome.err, outcome.quiet()) == (5, "", True)
