"""What has not run is not looked at again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mptrace.observe import moment, rest
from mptrace.observe.boards import BoardReader, BoardWait, RecorderFiles
from mptrace.observe.rest import AGAIN, Rest, RestOfAll
from mptrace.wire.resource import SEM
from mptrace.wire.wait import ACQUIRE, RECV
from tests.observe.test_boards import Board

NOBODY = 2**22 + 1
"""A pid that no process has."""


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Nanoseconds that each process has run."""
    now: dict[int, int] = {}

    def clock(number: int) -> int:
        pid = ~(number >> 3)
        if pid not in now:
            raise OSError(22, "Invalid argument")
        return now[pid]

    monkeypatch.setattr(rest.time, "clock_gettime_ns", clock)
    return now


def test_the_clock_of_a_process_is_that_of_all_its_threads() -> None:
    before = os.times().user + os.times().system
    assert rest.ran_ns(os.getpid()) / 1e9 >= before - 0.05
    assert rest.ran_ns(NOBODY) == -1


def test_what_has_not_run_rests_until_it_runs_or_was_left_alone_for_long(clocks: dict[int, int]) -> None:
    clocks[7], known = 100, Rest()
    assert known.has_run(7)
    assert not known.has_run(7)
    clocks[7] = 101
    assert known.has_run(7)
    assert [known.has_run(7) for _ in range(AGAIN + 1)].count(True) == 1
    assert known.has_run(8)
    assert known.has_run(8)


def test_a_job_rests_while_none_of_it_runs_comes_or_goes(clocks: dict[int, int]) -> None:
    clocks.update({7: 100, 8: 200})
    job = RestOfAll()
    assert job.have_run([7, 8])
    assert not job.have_run([7, 8])
    clocks[8] += 1
    assert job.have_run([7, 8])
    assert job.have_run([7])
    assert job.have_run([7, 9])
    assert [job.have_run([7]) for _ in range(2 * AGAIN + 1)].count(True) == 3


def test_a_board_is_read_again_when_its_process_has_run(tmp_path: Path, clocks: dict[int, int]) -> None:
    clocks.update({7: 1, 8: 1})
    Board(7).waits(7, RECV, 2, 1).write(tmp_path)
    Board(8).waits(8, RECV, 2, 1).write(tmp_path)
    reader = BoardReader(RecorderFiles(str(tmp_path)))
    first = reader.read([7, 8])
    assert reader.read([7, 8]) is first

    Board(7).waits(7, ACQUIRE, SEM, 2).write(tmp_path)
    clocks[7] += 1
    assert [wait.kind for wait in reader.read([7, 8]).waits] == [ACQUIRE, RECV]
    assert [wait.kind for wait in reader.read([8]).waits] == [RECV]


def test_a_process_whose_clock_cannot_be_read_is_looked_at_each_time(tmp_path: Path, clocks: dict[int, int]) -> None:
    Board(7).waits(7, RECV, 2, 1).write(tmp_path)
    reader = BoardReader(RecorderFiles(str(tmp_path)))
    assert [wait.kind for wait in reader.read([7]).waits] == [RECV]
    Board(7).waits(7, ACQUIRE, SEM, 2).write(tmp_path)
    assert [wait.kind for wait in reader.read([7]).waits] == [ACQUIRE]


def test_of_processes_that_wait_alike_some_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moment.procfs, "tids", lambda pid: [pid, pid + 1000] if pid == 19 else [pid])
    waits = [BoardWait(pid, pid, RECV, 2, 5 if pid < 18 else 6, 1, False) for pid in range(10, 20)]
    chosen = moment._without_alike([*range(10, 21)], waits, kept={17})
    assert chosen == [10, 11, 12, 13, 17, 18, 19, 20]
