"""Hosts that are not what the library's sources say: patched by gevent or eventlet, or a sub-interpreter. No probe is switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.traced import trace
from tests.support.versions import everywhere

GREEN = """
import subprocess, threading

class Popen:
    "As gevent's: another class, with other internals."

class Green:
    "As eventlet's main thread: no native_id."
    name, ident, daemon = "green", 7, True

subprocess.Popen = Popen
threading._active[7] = Green()
import multiprocessing
del threading._active[7]
child = multiprocessing.get_context("fork").Process(target=int)
child.start()
child.join()
print(child.exitcode)
"""

SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import multiprocessing
one = interpreters.create()
run = getattr(interpreters, "exec", interpreters.run_string)
failed = run(one, "import multiprocessing.process, multiprocessing.util")
interpreters.destroy(one)
child = multiprocessing.get_context("fork").Process(target=int)
child.start()
child.join()
print(child.exitcode if failed is None else failed)
"""


@everywhere
@pytest.mark.parametrize("program", [GREEN, SUB_INTERPRETER], ids=["green", "sub-interpreter"])
def test_the_program_runs_as_without_us_and_every_probe_stays_on(tmp_path: Path, python: str, program: str) -> None:
    outcome = trace(program, tmp_path, python)
    assert (outcome.status, outcome.out, outcome.err, outcome.quiet()) == (0, "0\n", "", True)


NAMED_BY_LOKY = """
import itertools, multiprocessing.synchronize, os
number = itertools.count()
name = lambda: f"/test-{os.getpid()}-{next(number)}"
multiprocessing.synchronize.SemLock._make_name = staticmethod(name)
fork = multiprocessing.get_context("fork")
one, other = fork.Lock(), fork.Lock()

def child(key):
    assert one._mptrace.key == key

assert one._mptrace.key and one._mptrace.key != other._mptrace.key
process = fork.Process(target=child, args=(one._mptrace.key,))
process.start()
process.join()
print(process.exitcode)
"""


@everywhere
def test_a_lock_whose_name_was_given_by_somebody_else_is_seen_on_both_sides_of_a_fork(tmp_path: Path, python: str) -> None:
    outcome = trace(NAMED_BY_LOKY, tmp_path, python)
    assert (outcome.status, outcome.out, outcome.quiet()) == (0, "0\n", True), outcome.err
