"""``kill -9`` at every step of recording: whatever was being written, all that was written before can be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mptrace.collect.process import read_process
from mptrace.wire import rundir
from mptrace.wire.events import agents
from tests.support.traced import PACKAGE
from tests.support.versions import everywhere

# Every child forks from one interpreter and kills itself at its k-th line of the recorder: a step is a line.
VICTIM = """
import mmap, os, signal, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
package = sys.modules["_mptrace"] = type(sys)("_mptrace"); package.__path__ = [sys.argv[1]]
from _mptrace.agent import recorder, waits
from _mptrace.wire.events import agents
from _mptrace.wire import layout
recorder.open_first(sys.argv[2])

written = mmap.mmap(-1, 1)  # shared with the child: notes whose log() had returned

def note(text):
    recorder.log(agents.NOTE, text)
    written[0] += 1

def body():
    recorder.threads.clear()
    saved = waits.begin(1, 1, 77, 2.5)
    note("first")
    number = recorder.new_lock(88)
    recorder.words[layout.HELD // 8 + number] = 99
    recorder.ring(layout.R_WAITED, 1, 2, 3, 4)
    note("x" * 5000)
    waits.end(saved)
    for _ in range(5): note("y" * 5900)
    tally = recorder.new_tally(5, 3); recorder.free_tally(tally); recorder.free_lock(number)
    at = recorder.begin_task(1); recorder.words[at // 8] = 2; recorder.words[at // 8] = 0; recorder._free_doings.append(0)
    recorder.end_thread(); recorder.ended()

def child(step):
    recorder.reopen()
    count = 0
    def tracer(frame, event, arg):
        nonlocal count
        if "_mptrace" not in frame.f_globals.get("__name__", ""): return None
        if event == "line":
            count += 1
            if count == step: os.kill(os.getpid(), signal.SIGKILL)
        return tracer
    sys.settrace(tracer)
    body()
    sys.settrace(None)
    os._exit(0)

step = int(sys.argv[3])
while True:
    written[0] = 0
    pid = os.fork()
    if not pid: child(step)
    status = os.waitpid(pid, 0)[1]
    print(pid, step, status, written[0], flush=True)
    if status == 0: break
    step += int(sys.argv[4])
"""


def _victims(python: str, path: Path, first: int, stride: int) -> list[tuple[int, int, int, int]]:
    (path / rundir.PROCESSES).mkdir()
    script = path / "victim.py"
    script.write_text(VICTIM)
    command = [python, str(script), str(PACKAGE), str(path), str(first), str(stride)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def _check(path: Path, victims: list[tuple[int, int, int, int]]) -> list[int]:
    folder, counts = str(path / rundir.PROCESSES), []
    names = {rundir.parse_name(file.name)[0]: file.name for file in sorted((path / rundir.PROCESSES).glob("*.mpt"))}
    for pid, step, _, written in victims:
        segments = sorted(int(file.suffix[1:]) for file in (path / rundir.PROCESSES).glob(f"{names[pid]}.*"))
        process = read_process(folder, names[pid], segments)
        assert process.head is not None, (step, process.damage)
        assert process.log.damaged == process.log.unknown == 0, step
        notes = [record for record in process.log.records if record.kind is agents.NOTE]
        assert [str(note.fields["says"])[:1] for note in notes] == list("fxyyyyy")[: len(notes)], step
        assert written <= len(notes) <= written + 1, (step, "what log() had taken is there")
        for entry in process.head.entries:
            assert entry.wait is None or (entry.wait.key, entry.wait.timeout_ns) == (77, 2_500_000_000), step
        counts.append(len(notes))
    return counts


@pytest.mark.slow
def test_at_every_line_of_the_recorder(tmp_path):
    victims = _victims(sys.executable, tmp_path, 1, 1)
    counts = _check(tmp_path, victims)
    assert len(victims) > 200
    assert (counts[0], counts[-1]) == (0, 7)
    assert victims[-1][2] == 0


@everywhere
def test_at_some_lines_of_it_in_every_version(tmp_path, python):
    counts = _check(tmp_path, _victims(python, tmp_path, 3, 29))
    assert counts[-1] == 7
