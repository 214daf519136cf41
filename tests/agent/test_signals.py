"""The program's handlers for signals: noted with whether they may wake somebody, and set as without us."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import processes
from tests.support.traced import Outcome, line_of, pythons, trace, version_of

PROGRAM = """
import signal, sys
def early(number, frame): queue.put(None)
signal.signal(signal.SIGHUP, early)
import functools, multiprocessing
def leave(number, frame):
    print("bye")
    sys.exit(0)
def stop(number, frame): queue.put(None)
assert signal.signal(signal.SIGTERM, leave) == signal.SIG_DFL
assert signal.signal(signal.SIGTERM, stop) is leave  # stop
signal.signal(signal.SIGUSR1, functools.partial(stop, 1))
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    signal.signal(signal.SIGKILL, stop)
except OSError:
    print(signal.getsignal(signal.SIGTERM) is stop)
"""


@pytest.fixture(scope="module", params=pythons(), ids=version_of)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return trace(PROGRAM, tmp_path_factory.mktemp("signals"), request.param)


def test_the_program_runs_as_without_us(outcome: Outcome) -> None:
    assert (outcome.status, outcome.out) == (0, "True\n")
    assert outcome.quiet(), outcome.err


def test_every_handler_is_told_with_whether_it_may_wake_somebody(outcome: Outcome) -> None:
    told = [(record["signal"], record["handler"], record["wakes"]) for record in outcome.of(processes.HANDLER)]
    assert told == [(1, "early", 1), (15, "leave", 0), (15, "stop", 1), (10, "partial(stop)", 1), (1, "", 0)]


def test_where_it_was_set_is_told(outcome: Outcome) -> None:
    assert outcome.line(outcome.of(processes.HANDLER)[2]) == line_of(PROGRAM, "stop")


TIMERS = """
import signal, multiprocessing
signal.signal(signal.SIGALRM, lambda *_: None)
print(signal.alarm(30), signal.alarm(0) in (29, 30))
print(signal.setitimer(signal.ITIMER_PROF, 9, 1), signal.setitimer(signal.ITIMER_PROF, 0)[1])
try:
    signal.alarm("soon")
except TypeError as error:
    print(type(error).__name__)
"""


def test_timers_are_told_when_they_are_set_and_put_out(tmp_path: Path) -> None:
    outcome = trace(TIMERS, tmp_path)
    assert (outcome.status, outcome.out) == (0, "0 True\n(0.0, 0.0) 1.0\nTypeError\n")
    assert outcome.quiet(), outcome.err
    told = [(record["signal"], record["ms"] > 0, record["every"]) for record in outcome.of(processes.TIMER)]
    assert told == [(14, True, 0), (14, False, 0), (27, True, 1), (27, False, 0)]
