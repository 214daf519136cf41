"""What the boards say, and whether it looks like a deadlock."""

from __future__ import annotations

import os
from pathlib import Path
from struct import pack_into

from mptrace.observe.boards import BoardWait, RecorderFiles, connection_keys, held_locks, read_boards
from mptrace.observe.stall import Stillness
from mptrace.observe.suspicion import ALL_WAIT, CIRCLE, GONE, urgent_reason
from mptrace.wire import layout
from mptrace.wire.resource import PROCESS, SEM
from mptrace.wire.rundir import recording_name
from mptrace.wire.wait import ACQUIRE, REAP, RECV, TIMED


class Board:
    """A recorder file with some threads on its board."""

    def __init__(self, pid: int) -> None:
        self.pid, self.data, self._threads, self._locks = pid, bytearray(layout.SIZE), 0, 0

    def _words(self, at: int, *words: int) -> None:
        for number, word in enumerate(words):
            pack_into("<Q", self.data, at + 8 * number, word)

    def thread(self, tid: int, state: int = 1, wait: tuple[int, ...] = ()) -> Board:
        at = layout.BOARD + self._threads * layout.THREAD_WORDS * 8
        self._threads += 1
        self._words(at, 1000 + tid, tid, state)
        self._words(at + layout.T_WAIT * 8, *wait)
        return self

    def waits(self, tid: int, kind: int, family: int, key: int, since: int = 1, timed: bool = False) -> Board:
        state = kind | family << 8 | (TIMED << 16 if timed else 0)
        return self.thread(tid, wait=(state, key, since, 5 if timed else 0))

    def holds(self, tid: int, key: int) -> Board:
        self._words(layout.HELD + 8 * self._locks, 1000 + tid)
        self._words(layout.CELLS + 8 * layout.CELL_WORDS * self._locks, key)
        self._locks += 1
        return self

    def write(self, run: Path, opened: int = 1) -> Board:
        (run / "processes").mkdir(exist_ok=True)
        (run / "processes" / recording_name(self.pid, opened)).write_bytes(self.data)
        return self


def looked_at(run: Path, *pids: int) -> tuple[list[BoardWait], RecorderFiles]:
    files = RecorderFiles(str(run))
    return read_boards(files, pids).waits, files


def test_waits_are_read_with_their_thread_and_age(tmp_path: Path) -> None:
    Board(7).waits(7, ACQUIRE, SEM, 99, since=1_000).thread(8).waits(9, RECV, 2, 5, since=2_000, timed=True).write(tmp_path)
    boards = read_boards(RecorderFiles(str(tmp_path)), [7])

    assert boards.waits == [BoardWait(7, 7, ACQUIRE, SEM, 99, 1_000, False), BoardWait(7, 9, RECV, 2, 5, 2_000, True)]
    assert [wait.tid for wait in boards.old_untimed(1_500, 500)] == [7]
    assert boards.old_untimed(1_400, 500) == []


def test_an_ended_thread_waits_for_nothing(tmp_path: Path) -> None:
    Board(7).thread(7, state=2, wait=(ACQUIRE, 1, 1)).waits(8, RECV, 2, 5).write(tmp_path)

    assert [wait.tid for wait in looked_at(tmp_path, 7)[0]] == [8]


def test_a_file_that_is_cut_or_missing_is_no_trouble(tmp_path: Path) -> None:
    Board(7).waits(7, ACQUIRE, SEM, 1).write(tmp_path)
    path = tmp_path / "processes" / recording_name(7, 1)
    path.write_bytes(path.read_bytes()[:100])

    assert looked_at(tmp_path, 7, 8)[0] == []


def test_the_newest_file_of_a_process_counts_after_an_exec(tmp_path: Path) -> None:
    Board(7).waits(7, ACQUIRE, SEM, 1).write(tmp_path, opened=1)
    Board(7).write(tmp_path, opened=2)

    assert looked_at(tmp_path, 7)[0] == []


def test_held_locks_are_known_by_thread() -> None:
    data = bytes(Board(7).thread(7).thread(8).holds(8, 33).holds(77, 34).data)

    assert held_locks(data) == {33: 8, 34: 0}
    assert connection_keys(data) == set()


def test_a_circle_of_holders_is_urgent(tmp_path: Path) -> None:
    Board(7).waits(7, ACQUIRE, SEM, 2).holds(7, 1).write(tmp_path)
    Board(8).waits(8, ACQUIRE, SEM, 1).holds(8, 2).write(tmp_path)
    waits, files = looked_at(tmp_path, 7, 8)

    assert urgent_reason(waits, files, [7, 8, 9], []) == CIRCLE


def test_a_circle_through_a_joined_process_is_urgent(tmp_path: Path) -> None:
    Board(7).waits(7, REAP, PROCESS, 8).holds(7, 1).write(tmp_path)
    Board(8).waits(8, ACQUIRE, SEM, 1).write(tmp_path)
    waits, files = looked_at(tmp_path, 7, 8)

    assert urgent_reason(waits, files, [7, 8, 9], []) == CIRCLE


def test_a_holder_that_runs_is_not_urgent(tmp_path: Path) -> None:
    Board(7).waits(7, ACQUIRE, SEM, 1).write(tmp_path)
    Board(8).thread(8).holds(8, 1).write(tmp_path)
    waits, files = looked_at(tmp_path, 7, 8)

    assert urgent_reason(waits, files, [7, 8], []) == ""


def test_a_holder_that_is_gone_is_urgent(tmp_path: Path) -> None:
    Board(7).waits(7, ACQUIRE, SEM, 1).write(tmp_path)
    Board(8).thread(8).holds(8, 1).write(tmp_path)
    waits, files = looked_at(tmp_path, 7)

    assert urgent_reason(waits, files, [7, 9], []) == GONE


def test_a_job_in_which_all_but_the_services_wait_is_urgent(tmp_path: Path) -> None:
    Board(7).waits(7, RECV, 2, 1).write(tmp_path)
    Board(8).waits(8, RECV, 2, 2).thread(9).write(tmp_path)
    waits, files = looked_at(tmp_path, 7, 8)

    assert urgent_reason(waits, files, [7, 8, 10], [10]) == ALL_WAIT
    assert urgent_reason(waits, files, [7, 8, 10], []) == ""


def test_a_change_of_a_board_or_a_new_process_is_a_movement(tmp_path: Path) -> None:
    board = Board(os.getppid()).waits(7, RECV, 2, 1).write(tmp_path)
    files, stillness, me = RecorderFiles(str(tmp_path)), Stillness(0.0), os.getppid()
    stillness.update(1.0, [me], read_boards(files, [me]))

    assert stillness.update(100.0, [me], read_boards(files, [me])) == 99.0
    board.waits(8, RECV, 2, 1).write(tmp_path)
    assert stillness.update(200.0, [me], read_boards(files, [me])) == 0.0
    assert stillness.update(300.0, [me, 2**22 + 1], read_boards(files, [me])) == 0.0
