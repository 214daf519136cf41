"""A run directory stays small however many processes end well; what the others told is kept whole."""

from __future__ import annotations

import os
import sys
from collections import deque
from pathlib import Path

from mptrace.collect import read_run
from mptrace.launch import well_ended
from mptrace.launch.well_ended import WellEnded
from mptrace.model.build import build_run
from mptrace.observe.boards import RecorderFiles
from mptrace.wire import layout
from mptrace.wire.events import processes
from tests.support import bounded
from tests.support.launched import TIMEOUT_S, environment, write_script
from tests.support.recording import RunWriter

FEW_KEPT = """
import sys
from mptrace.launch import live, well_ended
well_ended.KEPT, live.POLL_S = 2, 0.01
from mptrace.cli.command import main
main()
"""

JOB = """
import multiprocessing, os, sys, time

def good(ends): ends[1].send(b"x")
def bad(ends): sys.exit(3)

context = multiprocessing.get_context("fork")
ends = context.Pipe(duplex=False)
for target in (good, bad, good, good, good, good, good):
    child = context.Process(target=target, args=(ends,))
    child.start()
    child.join()
folder = os.environ["_MPTRACE_RUN"] + "/processes"
while len([name for name in os.listdir(folder) if name.endswith(".mpt")]) > 4:  # this one, the bad one, and two that are kept
    time.sleep(0.01)
"""


def test_of_those_that_ended_well_the_last_are_kept_and_all_are_told(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", FEW_KEPT, "--output", str(tmp_path / "run"), str(write_script(tmp_path, JOB))]
    ended = bounded.run(argv, environment(), TIMEOUT_S)
    assert ended.status == 0, ended.stderr
    run = build_run(read_run(str(tmp_path / "run")))
    codes = [(process.traced, process.exit.code if process.exit else None) for process in run.processes[1:]]
    assert codes == [(True, 0), (True, 3)] + [(True, 0)] * 5
    assert all(process.name.startswith("ForkProcess-") for process in run.processes[1:])
    assert sum(tally.sent for process in run.processes for tally in process.tallies) == 6
    assert not run.completeness.lost.anything


def tidied(run: RunWriter, pids: list[int]) -> list[str]:
    """Return the recordings that are left when these processes have ended well and none is to be kept."""
    path = run.save()
    WellEnded(path, _listed(path), deque(pids)).tidy()
    return sorted(os.listdir(os.path.join(path, "processes")))


def _listed(path: str) -> RecorderFiles:
    files = RecorderFiles(path)
    files.refresh()
    return files


def test_a_process_that_told_of_anything_else_or_holds_a_lock_or_did_not_end_is_kept(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(well_ended, "KEPT", 0)
    run = RunWriter(tmp_path / "run")
    plain, starter, holder, cut, _ = (run.process(pid, pid) for pid in (11, 12, 13, 14, 15))
    for process in (plain, starter, holder, cut):
        process.runs("w").log(processes.RETURNED, 20)
    for process in (plain, starter, holder):
        process.ends(21)
    starter.started(99, "child")
    holder.holds(7)
    cut.header(layout.H_LOST_LOG, 1)
    cut.ends(21)
    moment = tmp_path / "run/moments/0001"
    moment.mkdir(parents=True)
    (moment / plain.name).write_bytes(b"")
    left = tidied(run, [11, 12, 13, 14, 15])
    assert [name.partition("-")[0] for name in left] == ["12", "13", "14", "15"]
    assert not list(moment.iterdir())


def test_damaged_lines_of_dropped_recordings_are_passed_over(tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "run")
    run.process(10)
    path = run.save()
    Path(path, "dropped.txt").write_bytes(b"11-7 5:1:2:3 6:x:1:1 9:1\nnonsense\n\xff-1\n" + b"1" * 80 + b"-1\n\n12-8\n")
    recording = read_run(path)
    assert recording.seen == [(11, 7), (12, 8)]
    assert [(cell.key, cell.sent, cell.received) for cell in recording.dropped[11, 7]] == [(5, 1, 2)]
