"""Forks, signals and other programs, as the program makes them by itself."""

from __future__ import annotations

import pytest

from mptrace.wire.events import processes
from tests.support.traced import Outcome, line_of, pythons, trace, version_of

PROGRAM = """
import multiprocessing.util, os, signal, subprocess, sys, threading, time, warnings
warnings.simplefilter("ignore")
assert type(os.fork).__name__ == "builtin_function_or_method"
subprocess.run(["true"])  # subprocess
gate = threading.Event()
helper = threading.Thread(target=gate.wait, name="helper")
helper.start()
mine, theirs = os.pipe()
pid = os.fork()  # fork
if not pid:
    os.write(theirs, b"x")
    signal.pause()
os.read(mine, 1)
os.kill(pid, 0)
sent = []
sys.addaudithook(lambda event, args: sent.append(time.monotonic_ns()) if event == "os.kill" else None)
os.kill(pid, signal.SIGKILL)  # kill
os.waitpid(pid, 0)
gate.set()
helper.join()
os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)  # posix_spawn
os.execv("/bin/echo", ["echo", str(sent[0])])  # exec
"""


@pytest.fixture(scope="module", params=pythons(), ids=version_of)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return trace(PROGRAM, tmp_path_factory.mktemp("program"), request.param)


def test_the_program_runs_as_without_us(outcome: Outcome) -> None:
    assert (outcome.status, outcome.out.strip().isdigit()) == (0, True)
    assert outcome.quiet(), outcome.err


def test_a_fork_with_threads_is_told_on_both_sides(outcome: Outcome) -> None:
    forked, missing = outcome.one(processes.FORKED), outcome.one(processes.FORK_THREADS)
    assert str(forked["threads"]).split()[1:] == str(missing["threads"]).split()[1:] == ["helper"]
    assert outcome.line(forked) == line_of(PROGRAM, "fork")
    assert forked.pid != missing.pid


def test_a_signal_is_told_with_its_line_and_signal_0_is_none(outcome: Outcome) -> None:
    record = outcome.one(processes.SIGNALLED)
    assert (record["signal"], record["call"]) == (9, "os.kill")
    assert outcome.line(record) == line_of(PROGRAM, "kill")


def test_a_signal_is_told_before_it_is_sent_so_that_no_end_seems_earlier(outcome: Outcome) -> None:
    assert outcome.one(processes.SIGNALLED).at_ns < int(outcome.out)


def test_other_programs_are_told_with_their_lines(outcome: Outcome) -> None:
    first, second = outcome.of(processes.SPAWNED)
    assert (first["command"], outcome.line(first)) == ("true", line_of(PROGRAM, "subprocess"))
    assert (second["command"], outcome.line(second)) == ("/bin/true", line_of(PROGRAM, "posix_spawn"))
    assert outcome.line(outcome.one(processes.EXEC)) == line_of(PROGRAM, "exec")
