"""A hang is explained while it happens, once, and what is no hang is left alone."""

from __future__ import annotations

import time
from pathlib import Path

from mptrace.launch.judging import Judge
from mptrace.launch.live import Live
from mptrace.launch.pace import AGAIN_S, MOMENTS, SHARE, SPARED, Pace
from mptrace.launch.settings import Settings
from mptrace.observe.boards import Boards
from tests.support.launched import launch, launched, observed, only_run, wait_until, write_script

DEADLOCK = """
    import time
    from multiprocessing import Barrier, Lock, Process
    def work(first, second, both):
        with first:
            both.wait()
            with second:
                pass
    if __name__ == "__main__":
        a, b, both = Lock(), Lock(), Barrier(2)
        for one, other in ((a, b), (b, a)):
            Process(target=work, args=(one, other, both)).start()
        print("started", time.monotonic_ns(), flush=True)
"""


def test_a_deadlock_is_explained_once_soon_after_it_came_about(tmp_path: Path) -> None:
    write_script(tmp_path, DEADLOCK)
    with launched(tmp_path, "--hang-after", "2", "job.py") as process:
        assert process.stdout is not None
        process.stdout.readline()
        wait_until(lambda: list((tmp_path / ".mptrace").glob("*/processes/*.mpt")))
        run = only_run(tmp_path)
        wait_until(lambda: observed(run, "seen.told"))
        wait_until(lambda: len(observed(run, "seen.moment")) > 1 or "nothing moved" in (run / "launcher.log").read_text())
        told = observed(run, "seen.told")
    assert [record.fields["rule"] for record in told] == ["lock-cycle"]


def test_a_moment_holds_two_looks_stacks_and_copies_of_the_boards(tmp_path: Path) -> None:
    write_script(tmp_path, DEADLOCK)
    with launched(tmp_path, "job.py") as process:
        assert process.stdout is not None
        process.stdout.readline()
        wait_until(lambda: list((tmp_path / ".mptrace").glob("*/moments/0001/*.mpt")))
        run = only_run(tmp_path)
        wait_until(lambda: observed(run, "seen.moment"))
        looks, frames = observed(run, "seen.thread"), observed(run, "seen.frame")
    waiting = {record.fields["pid"] for record in frames if record.fields["function"] == "work"}
    assert len(waiting) == 2
    for pid in waiting:
        first, second = [record for record in looks if record.fields["pid"] == pid and record.fields["moment"] == 1]
        assert first.fields["switches"] == second.fields["switches"]
        assert second.at_ns - first.at_ns > 100_000_000
    assert not any("mptrace/agent" in str(record.fields["file"]) for record in frames)


def test_a_stall_that_nothing_explains_is_ended_on_request_all_the_same(tmp_path: Path) -> None:
    write_script(
        tmp_path,
        """
        import pathlib, socket
        (run,) = pathlib.Path().glob(".mptrace/*/run.json")
        (run.parent / "moments").rmdir()
        (run.parent / "moments").write_text("no directory can be made here")
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.accept()
        """,
    )
    ended = launch(tmp_path, "--hang-after", "1", "--on-hang", "kill", "job.py")
    assert ended.status == 124
    assert "no rule says why" in ended.stderr


ABSENT = 99_999_999
"""A pid that no process has."""


class Job:
    """A job as the watch shows it: one process, until it has ended by itself; `killed` if it was ended."""

    def __init__(self) -> None:
        self.tree, self.log, self.killed, self.living, self.ended_well = self, self, False, {}, []  # type: ignore[var-annotated]
        self.now = [ABSENT]

    def pids(self) -> list[int]:
        return self.now

    def write(self, *_: object, **__: object) -> None:
        """The observer's log, and what `Live` logs of itself."""

    info = error = write

    def kill_for_hang(self) -> None:
        self.killed = True


def stalled_job(tmp_path: Path, *, ends: bool) -> Job:
    job = Job()
    live = Live(job, Settings(1.0, "kill", quiet=True), Judge(lambda *_: []), str(tmp_path), job)  # type: ignore[arg-type]
    live._stillness.update(time.monotonic() - 5.0, job.now, Boards())

    def take(*_: object, **__: object) -> int:
        job.now = [] if ends else job.now
        return 1

    live._moments.take = take  # type: ignore[method-assign]
    live._hopeless = True
    live._look("nothing moved for 5 s", Boards(), [ABSENT], stalled=True)
    return job


def test_a_stall_that_is_over_when_it_has_been_looked_at_is_neither_told_nor_ended(tmp_path: Path) -> None:
    assert stalled_job(tmp_path, ends=False).killed
    assert not stalled_job(tmp_path, ends=True).killed


def test_what_is_urgent_is_looked_at_at_once_and_the_rest_within_our_share() -> None:
    pace = Pace()
    assert pace.is_due("first", 0.0, urgent=False)
    pace.was_seen("first", 1.0, 1.0)

    assert not pace.is_due("second", SHARE - 1.0, urgent=False)
    assert pace.is_due("second", 1.0, urgent=True)
    assert pace.is_due("second", SHARE + 0.1, urgent=False)


def test_the_same_waits_are_looked_at_again_at_growing_intervals_and_then_no_more() -> None:
    pace, now, intervals = Pace(), 0.0, []
    pace.was_seen("waits", now, 0.0)
    while now < 10_000 and len(intervals) < 20:
        last = pace.looks["waits"].last
        now += 0.1
        if pace.is_due("waits", now, urgent=False):
            pace.was_seen("waits", now, 0.0)
            intervals.append(round(now - last))
    assert intervals == [round(each + 0.04) for each in AGAIN_S]


def test_a_job_in_which_nobody_has_run_is_not_looked_at_again_once_all_was_seen() -> None:
    pace, at_rest = Pace(), {7: 100}
    pace.was_seen("waits", 0.0, 0.0, at_rest, whole=False)
    assert pace.is_due("waits", 5.0, urgent=False, ran=at_rest)
    pace.was_seen("waits", 5.0, 0.0, at_rest, whole=True)

    assert not pace.is_due("waits", 50.0, urgent=False, ran=at_rest)
    assert pace.is_due("waits", 50.0, urgent=False, ran={7: 101})
    assert pace.is_due("waits", 50.0, urgent=False, ran=None)


def test_what_was_explained_is_not_looked_at_again() -> None:
    pace = Pace()
    pace.settle("waits")

    assert not pace.is_due("waits", 100.0, urgent=True)


def test_some_moments_are_kept_back_for_what_is_urgent() -> None:
    pace = Pace(taken=MOMENTS - SPARED)

    assert not pace.is_due("waits", 1.0, urgent=False)
    assert pace.is_due("waits", 1.0, urgent=True)
