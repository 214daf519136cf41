"""Attach to jobs in which one look is not enough: storms of workers, locks that another process released, copies of a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mptrace.attach.attach import attach
from mptrace.cli.judge import judge
from mptrace.diagnose.wording import without_place
from tests.attach import hung
from tests.support.versions import everywhere

INITIALIZER_RAISES = """
    import multiprocessing, sys

    def connect():
        raise KeyError("port")

    if __name__ == "__main__":
        print("ready", "ready", flush=True)
        with multiprocessing.get_context(sys.argv[1]).Pool(2, connect) as pool:
            pool.map(abs, range(3))
"""

WORKERS_LEAVE = """
    import multiprocessing, os, time

    def leave(number):
        time.sleep(0.05)
        os._exit(3)

    if __name__ == "__main__":
        print("ready", "ready", flush=True)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(leave, range(100_000), chunksize=1)
"""

SHORT_LIVED_WORKERS = """
    import multiprocessing, time

    def work(number):
        time.sleep(0.05)

    if __name__ == "__main__":
        print("ready", "ready", flush=True)
        with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
            pool.map(work, range(100_000), chunksize=1)
"""

STALE_COUNT = """
    import multiprocessing, os, signal

    def release(lock):
        lock.release()

    def die(lock):
        lock.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        lock = context.Lock()
        lock.acquire()
        for target in (release, die):
            child = context.Process(target=target, args=(lock,))
            child.start()
            child.join()
        print("ready", "ready", flush=True)
        lock.acquire()
"""

COPIED_LOCK = """
    import multiprocessing, threading, time

    cache_lock, filling = threading.Lock(), threading.Event()

    def fill():
        with cache_lock:
            filling.set()
            time.sleep(0.3)

    def read():
        print("ready", flush=True)
        with cache_lock:
            pass

    if __name__ == "__main__":
        reader = multiprocessing.get_context("fork").Process(target=read, name="reader")
        threading.Thread(target=fill, name="filler").start()
        filling.wait()
        reader.start()
        print("ready", flush=True)
        reader.join()
"""


def told(pid, folder):
    """Attach, and return rule and verdict of what is worse than a hint."""
    findings = judge(attach(pid, str(folder / "run")).path).diagnosis.findings
    return [(finding.rule, finding.verdict.value) for finding in findings if finding.severity.value != "hint"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_initializer_that_raises_in_every_worker_is_likely(tmp_path, method):
    with hung.hanging(tmp_path, INITIALIZER_RAISES, method) as pid:
        assert told(pid, tmp_path) == [("initializer-failed", "likely")]


def test_workers_that_take_a_task_and_die_one_after_the_other_are_a_loop_and_no_lost_task(tmp_path):
    with hung.hanging(tmp_path, WORKERS_LEAVE) as pid:
        assert told(pid, tmp_path) == [("worker-respawn-loop", "likely")]


def test_workers_that_end_in_order_after_each_task_are_no_finding(tmp_path):
    with hung.hanging(tmp_path, SHORT_LIVED_WORKERS) as pid:
        assert told(pid, tmp_path) == []


def test_a_lock_that_another_process_released_has_no_proven_holder(tmp_path):
    with hung.hanging(tmp_path, STALE_COUNT) as pid:
        verdicts = dict(told(pid, tmp_path))
    assert verdicts.get("self-deadlock") != "proven"
    assert verdicts.get("lock-holder-died") != "proven"


@everywhere
def test_a_lock_that_was_held_at_the_fork_is_told_from_the_stack_that_the_child_inherited(tmp_path, python):
    with hung.hanging(tmp_path, COPIED_LOCK, python=python) as pid:
        time.sleep(0.5)  # the thread that had the lock has ended by then
        assert told(pid, tmp_path)[0] == ("fork-with-held-lock", "likely")


def test_two_jobs_of_one_shell_that_hands_them_a_pipe_are_two_jobs(tmp_path):
    program = tmp_path / "sleeps.py"
    program.write_text("import time\ntime.sleep(300)\n")
    reader, writer = os.pipe()
    jobs = [subprocess.Popen([sys.executable, str(program)], pass_fds=[writer], start_new_session=True) for _ in range(2)]
    try:
        while not all(b"sleeps.py" in Path(f"/proc/{job.pid}/cmdline").read_bytes() for job in jobs):
            time.sleep(0.01)
        run = judge(attach(jobs[0].pid, str(tmp_path / "run")).path).run
        assert [process.pid for process in run.processes] == [jobs[0].pid]
    finally:
        for job in jobs:
            os.killpg(job.pid, signal.SIGKILL)
            job.wait(10)
        os.close(reader)
        os.close(writer)


def test_watching_ends_when_the_job_is_gone(tmp_path):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork") as pid:
        command = [sys.executable, "-m", "mptrace", "attach", str(pid), "--watch", "0.2"]
        watching = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
        said = ""
        while "stopped for no time" not in said:
            line = watching.stdout.readline()
            assert line, said
            said += line
    try:
        rest, _ = watching.communicate(timeout=30)
    finally:
        watching.kill()
    assert watching.returncode == 0
    assert "the process has ended" in rest


@pytest.mark.parametrize(
    ("fix", "left"),
    [
        ("make sure that it cannot die while it holds lock, taken at", "make sure that it cannot die while it holds lock"),
        ("give one of them a timeout; the longest wait is at", "give one of them a timeout"),
        ("join it, instead of ending it at", "join it, instead of ending it"),
        ("repair the line that raised, at", "repair the line that raised"),
        ("read the queue", "read the queue"),
    ],
)
def test_a_fix_whose_place_is_not_known_does_not_end_in_at(fix, left):
    assert without_place(fix) == left
