"""What /proc says of a process, read bravely."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from mptrace.observe import procfs
from mptrace.observe.timers import will_move
from tests.support.launched import wait_until


def test_a_stat_line_is_read_whatever_the_command_is_called() -> None:
    line = b"42 (a) b (c) S 7 1 1 0 -1 4194304 1 0 0 0 11 22 0 0 20 0 3 0 5555 " + b" ".join([b"0"] * 29) + b" 2304 0"

    stat = procfs.parse_stat(line)

    assert stat is not None
    assert (stat.pid, stat.comm, stat.state, stat.ppid) == (42, "a) b (c", "S", 7)
    assert (stat.cpu_ticks, stat.threads, stat.start, stat.exit_code) == (33, 3, 5555, 2304)


@pytest.mark.parametrize("line", [b"", b"42 (x) S", b"nonsense"])
def test_a_stat_line_that_is_cut_is_none(line: bytes) -> None:
    assert procfs.parse_stat(line) is None


def test_a_file_of_proc_that_comes_in_short_pieces_is_read_to_its_end() -> None:
    maps = procfs.read_bytes(f"/proc/{os.getpid()}/maps")

    assert len(maps) > 4096, "this test needs a process with more than a page of maps"
    assert b"[stack]" in maps


def test_a_process_that_is_gone_answers_nothing() -> None:
    gone = 2**22 + 1

    assert procfs.stat(gone) is None
    assert (procfs.start_ticks(gone), procfs.tids(gone), procfs.children(gone)) == (0, [], [])
    assert (procfs.command(gone), procfs.executable(gone), procfs.environment(gone)) == ([], "", {})


def test_children_command_and_environment_are_those_of_the_process() -> None:
    child = subprocess.Popen(["sleep", "60"], env={"A": "one=two"})
    try:
        wait_until(lambda: procfs.command(child.pid)[:1] == ["sleep"])
        assert child.pid in procfs.children(os.getpid())
        assert procfs.command(child.pid) == ["sleep", "60"]
        assert procfs.environment(child.pid) == {"A": "one=two"}
        assert os.path.basename(procfs.executable(child.pid)) in {"sleep", "coreutils", "busybox"}
    finally:
        child.kill()
        child.wait(20)


def test_a_child_of_any_of_our_threads_is_a_child() -> None:
    started: list[subprocess.Popen[bytes]] = []
    done, leave = threading.Event(), threading.Event()

    def start() -> None:
        started.append(subprocess.Popen(["sleep", "60"]))
        done.set()
        leave.wait(20)

    thread = threading.Thread(target=start)
    thread.start()
    try:
        assert done.wait(20)
        assert started[0].pid in procfs.children(os.getpid())
    finally:
        leave.set()
        thread.join(20)
        started[0].kill()
        started[0].wait(20)


WAITS = {
    "import time; time.sleep(60)": "a timeout",
    "import threading; threading.Event().wait(60)": "a timeout",
    "import select, os; select.select([os.pipe()[0]], [], [], 60)": "a timeout",
    "import select, os; p = select.poll(); p.register(os.pipe()[0]); p.poll(60000)": "a timeout",
    "import sys; sys.stdin.readline()": "reading stdin",
    "import signal, os; signal.signal(signal.SIGALRM, print); signal.alarm(60); os.read(os.pipe()[0], 1)": "a handler for a timer",
    "import threading; threading.Lock().acquire() and threading.Event().wait()": "",
    "import select, os; p = select.poll(); p.register(os.pipe()[0]); p.poll()": "",
    "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.accept()": "",
    "import os; os.read(os.pipe()[0], 1)": "",
}


@pytest.mark.parametrize("code", WAITS)
def test_a_timer_an_alarm_and_a_reader_of_stdin_move_by_themselves(code: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", f"print(flush=True); {code}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()
        wait_until(lambda: will_move([child.pid]).rpartition(" in ")[0] == WAITS[code])
    finally:
        child.kill()
        child.communicate(timeout=20)
