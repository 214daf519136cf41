"""Looking at running processes from outside: pipes, stacks, memory, marks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mptrace.observe import cgroup, copies, memory, own_children, procfs, stacks
from mptrace.observe.effort import Effort
from mptrace.observe.looks import look
from mptrace.observe.marks import Marks
from mptrace.observe.memory import Memory
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.pipes import note_pipe_ends, queued_bytes
from tests.support.launched import observed, wait_until


@pytest.fixture
def log(tmp_path: Path) -> Iterator[ObserverLog]:
    found = ObserverLog(str(tmp_path))
    yield found
    found.close()


@contextmanager
def python(code: str) -> Iterator[int]:
    """Run Python code that says when it is ready and then waits for its stdin."""
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", f"import sys\n{code}\nprint(flush=True)\nsys.stdin.readline()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"\n"
        yield child.pid
    finally:
        child.kill()
        child.communicate(timeout=20)


def test_ends_of_a_pipe_are_noted_with_what_lies_in_it(tmp_path: Path, log: ObserverLog) -> None:
    with python("import os; r, w = os.pipe(); os.write(w, b'12345')\nopen('/dev/null')") as pid:
        inodes = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (3, 4)]
        inode = int(inodes[0][6:-1])
        note_pipe_ends(log, 3, [pid], {inode})

    ends = [record.fields for record in observed(tmp_path, "seen.pipe_end")]
    assert [(end["fd"], end["readable"], end["writable"], end["queued"]) for end in ends] == [(3, 1, 0, 5), (4, 0, 1, 5)]
    assert {(end["moment"], end["key"]) for end in ends} == {(3, inode)}


def test_bytes_of_a_descriptor_that_is_not_there_are_unknown() -> None:
    assert queued_bytes(os.getpid(), 9999) == -1
    assert queued_bytes(2**22 + 1, 0) == -1


def test_a_thread_that_waits_has_the_same_switches_in_two_looks(tmp_path: Path, log: ObserverLog) -> None:
    with python("") as pid:
        wait_until(lambda: Path(f"/proc/{pid}/wchan").read_text() not in {"", "0"})
        for _ in range(2):
            look(log, 1, [pid])

    first, second = [record.fields for record in observed(tmp_path, "seen.thread")]
    assert first == second
    assert first["state"] == "S"


def test_stacks_name_functions_lines_and_variables(tmp_path: Path, log: ObserverLog) -> None:
    with python("def wait(item):\n    print(flush=True); sys.stdin.readline()\nprint(flush=True)\nwait('x')") as pid:
        wait_until(lambda: any(frame["name"] == "wait" for thread in _dump(pid) for frame in thread["frames"]))
        stacks.note_stacks(log, 1, [pid])

    (inner,) = [record.fields for record in observed(tmp_path, "seen.frame") if record.fields["function"] == "wait"]
    assert (inner["line"], inner["thread"]) == (3, pid)
    assert "item=" in str(inner["locals"])


def _dump(pid: int) -> list[dict[str, list[dict[str, str]]]]:
    try:
        return stacks.dump(pid, stacks.find_py_spy())
    except ValueError:  # it has not come so far
        return []


def test_a_process_without_python_is_noted_as_not_seen(tmp_path: Path, log: ObserverLog) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        stacks.note_stacks(log, 1, [child.pid])
    finally:
        child.kill()
        child.wait(20)
    assert observed(tmp_path, "seen.not")[0].fields["what"] == "stacks"


def test_a_program_of_ours_that_takes_too_long_is_killed() -> None:
    began = time.monotonic()

    status, _, _ = own_children.finish(own_children.start(["sleep", "60"]), 0.05)

    assert (status, own_children.pids) == (-9, set())
    assert time.monotonic() - began < 30


def test_memory_is_written_when_it_changes_and_not_again(tmp_path: Path, log: ObserverLog) -> None:
    sampler = Memory(log)
    with python("") as pid:
        for _ in range(5):
            sampler.sample([pid])
    assert len(observed(tmp_path, "seen.memory")) == 1


def test_a_large_job_is_sampled_in_turns(tmp_path: Path, log: ObserverLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PROCESSES_A_ROUND", 1)
    sampler = Memory(log)
    with python("") as one, python("") as other:
        for _ in range(2):
            sampler.sample([one, other])
    assert {record.fields["pid"] for record in observed(tmp_path, "seen.memory")} == {one, other}


@pytest.mark.parametrize("with_inotify", [True, False])
def test_new_files_tell_their_process_once(tmp_path: Path, with_inotify: bool) -> None:
    (tmp_path / "processes").mkdir()
    marks = Marks(str(tmp_path))
    assert marks.descriptor >= 0
    if not with_inotify:
        os.close(marks.descriptor)
        marks.descriptor = -1

    (tmp_path / "processes/12-100.seen").touch()
    (tmp_path / "processes/nonsense").touch()
    assert marks.take() == [12]
    assert marks.take() == []


def test_the_counter_of_a_cgroup_is_read_from_either_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job/memory.events").write_text("low 0\noom 2\noom_kill 3\n")
    (tmp_path / "job/memory.max").write_text("max\n")
    (tmp_path / "job/memory.current").write_text("4096\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.oom_control").write_text("oom_kill_disable 0\noom_kill 1\n")
    (tmp_path / "memory/memory.limit_in_bytes").write_text("1048576\n")
    monkeypatch.setattr(cgroup, "MOUNT", str(tmp_path))
    lines = [b"0::/job\n"]
    real = cgroup.procfs.read_bytes
    monkeypatch.setattr(cgroup.procfs, "read_bytes", lambda path: lines[0] if path == "/proc/1/cgroup" else real(path))

    assert cgroup.oom_state(1) == cgroup.OomState(3, 0, 4096, str(tmp_path / "job"))
    lines[0] = b"4:memory:/elsewhere\n0::/\n"
    assert cgroup.oom_state(1) == cgroup.OomState(1, 1048576, 0, str(tmp_path / "memory"))
    lines[0] = b"1:name=systemd:/\n"
    assert cgroup.oom_state(1) is None


def test_a_full_log_counts_what_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mptrace.observe import observer_log
    from mptrace.wire.events.observations import SIGNAL

    monkeypatch.setattr(observer_log, "LIMIT", 100)
    log = ObserverLog(str(tmp_path))
    for number in range(10):
        log.write(SIGNAL, number, 0)
    log.close()

    assert log.lost > 0
    assert len(observed(tmp_path, "seen.signal")) + log.lost == 10


def test_the_work_of_a_process_is_told_when_it_has_grown_and_at_its_end(tmp_path: Path, log: ObserverLog) -> None:
    effort = Effort(log)
    spin = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass"
    with python(spin) as pid:
        effort.sample([pid])
        effort.end(pid)
    (told,) = [record.fields for record in observed(tmp_path, "seen.effort")]
    assert told["pid"] == pid
    assert 250 <= int(told["cpu_ms"]) < 2000
    assert int(told["delay_ms"]) >= -1000


def test_a_process_that_is_gone_has_no_last_word_about_its_work(log: ObserverLog) -> None:
    Effort(log).end(2**22 + 1)


def test_memory_that_a_child_has_copied_is_its_own(tmp_path: Path, log: ObserverLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "FIRST_S", 0.0)
    code = "import os\nlarge = bytearray(os.urandom(1) * (90 << 20))\nif not os.fork():\n    block = bytes(1 << 20)\n    for at in range(45): large[at << 20 : at + 1 << 20] = block\n    print(flush=True); sys.stdin.readline(); os._exit(0)\nos.read(0, 0)"
    with python(code) as pid:
        wait_until(lambda: bool(procfs.children(pid)))
        (child,) = procfs.children(pid)
        wait_until(lambda: copies.rollup(child).get("Private_Dirty", 0) > 40 << 20)
        looked = copies.Copies(log)
        looked.sample([pid, child])
        looked.forget(child)
        os.kill(child, 9)
    told = [record.fields for record in observed(tmp_path, "seen.copied") if record.fields["pid"] == child]
    assert 40 << 20 <= int(told[-1]["own"]) <= 60 << 20
    assert int(told[-1]["shared"]) >= 40 << 20


def test_a_process_that_does_nothing_is_looked_at_less_often(log: ObserverLog, monkeypatch: pytest.MonkeyPatch) -> None:
    effort, looked = Effort(log), list[int]()
    original = procfs.stat

    def stat(pid: int) -> procfs.Stat | None:
        looked.append(pid)
        return original(pid)

    with python("") as pid:
        wait_until(lambda: (found := procfs.stat(pid)) is not None and found.state == "S")
        monkeypatch.setattr(procfs, "stat", stat)
        for _ in range(40):
            effort.sample([pid])
    assert len(looked) < 20
