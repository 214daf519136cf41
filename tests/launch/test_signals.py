"""Signals reach the job once, whoever sends them, and stop the launcher never."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.launched import (
    command,
    environment,
    is_running,
    kill_session,
    launched,
    meta,
    observed,
    only_run,
    wait_until,
    write_script,
)  # fmt: skip

COUNTS = """
    import os, signal, sys
    def note(number, frame):
        os.write(1, b"got %d\\n" % number)
    for number in map(int, sys.argv[1:]):
        signal.signal(number, note)
    print("ready", os.getpid(), flush=True)
    sys.stdin.readline()
"""
"""Says what it gets, until it is given a line."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGRTMIN + 3])
def test_a_signal_to_the_launcher_is_passed_on_once(tmp_path: Path, number: int) -> None:
    write_script(tmp_path, COUNTS)
    with launched(tmp_path, "job.py", str(int(number))) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        process.send_signal(number)
        assert process.stdout.readline() == f"got {int(number)}\n"
        rest, _ = process.communicate("\n", timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert [record.fields["signal"] for record in observed(only_run(tmp_path), "seen.signal")] == [number]


def test_a_job_that_dies_of_a_signal_is_reported_like_a_shell_does(tmp_path: Path) -> None:
    write_script(tmp_path, COUNTS)
    with launched(tmp_path, "job.py") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert meta(tmp_path)["ended_by"] == "SIGTERM"


def test_timeout_signals_the_group_and_the_job_gets_it_once(tmp_path: Path) -> None:
    write_script(tmp_path, COUNTS)
    process = subprocess.Popen(
        ["timeout", "60", *command("job.py", str(int(signal.SIGTERM)))], cwd=tmp_path, env=environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "got 15\n"
    assert process.communicate("\n", timeout=30)[0] == ""


class Terminal:
    """A job with a terminal of its own, as its foreground group."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(command()[0], command(*words), environment())
        self.said = ""
        self.closed = False

    def read_until(self, text: str) -> None:
        until = time.monotonic() + 30
        while text not in self.said:
            assert time.monotonic() < until, self.said
            self.said += os.read(self.descriptor, 4096).decode()

    def type(self, key: bytes) -> None:
        os.write(self.descriptor, key)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> None:
        if not self.closed:
            os.close(self.descriptor)
            self.closed = True


def test_ctrl_c_reaches_the_job_once(tmp_path: Path) -> None:
    write_script(tmp_path, COUNTS)
    terminal = Terminal(tmp_path, "job.py", str(int(signal.SIGINT)))
    try:
        terminal.read_until("ready")
        terminal.type(b"\x03")
        terminal.read_until("got 2")
        terminal.type(b"\n")
        assert terminal.wait() == 0
    finally:
        kill_session(terminal.pid)
        terminal.close()
    assert terminal.said.count("got 2") == 1
    assert observed(only_run(tmp_path), "seen.signal")[0].fields["sender"] == 0


def test_a_closed_terminal_ends_the_job_and_the_recording_is_completed(tmp_path: Path) -> None:
    write_script(tmp_path, COUNTS)
    terminal = Terminal(tmp_path, "job.py")
    try:
        terminal.read_until("ready")
        terminal.close()
        terminal.wait()
    finally:
        kill_session(terminal.pid)
        terminal.close()
    # some moments before the signal comes, whoever reads from a terminal that hangs up is told that it is at its end: Python then
    # leaves with 120, since it cannot write what it had to say either
    assert meta(tmp_path)["status"] in {128 + signal.SIGHUP, 120}


def test_a_stopped_job_stops_the_launcher_and_goes_on_with_it(tmp_path: Path) -> None:
    write_script(tmp_path, "import os; print(os.getpid(), flush=True); os.kill(os.getpid(), 19); print('went on', flush=True)")
    with launched(tmp_path, "job.py") as process:
        assert process.stdout is not None
        job = int(process.stdout.readline())
        wait_until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        assert is_running(job)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == "went on\n"
        process.communicate(timeout=30)
    assert process.returncode == 0
