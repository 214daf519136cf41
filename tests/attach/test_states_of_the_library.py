"""What attach tells by the state of executors, pools and Process objects: a broken one, work that lies behind, children left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mptrace.attach.attach import attach
from mptrace.cli.judge import judge
from tests.attach import hung
from tests.support.expectations import METHODS

BROKEN_EXECUTOR = """
    import multiprocessing, os, signal, sys, time
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    def resize(size):
        os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        results = context.Queue()
        executor = ProcessPoolExecutor(1, mp_context=context)  # (of the second worker's end 3.11 may miss the news)
        future = executor.submit(resize, 900)
        try:
            future.result()
        except BrokenProcessPool:
            print("ready", "ready", flush=True)
        {then}
"""

CHILDREN_LEFT = """
    import multiprocessing, os, sys, time

    def notify(go):
        go.wait()

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        go = context.Event()
        children = [context.Process(target=notify, args=(go,), name=f"to-{number}") for number in range(3)]
        for child in children:
            child.start()
        go.set()
        for child in children:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        time.sleep(2.5)  # as long as the rule gives a parent to notice
        print("ready", "ready", flush=True)
        time.sleep(300)
"""

PARENT_KILLED = """
    import multiprocessing, os, signal, sys

    def serve(jobs, ready):
        ready.put(os.getpid())
        while True:
            print(jobs.get())

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        jobs, ready = context.Queue(), context.SimpleQueue()
        for number in range(2):
            context.Process(target=serve, args=(jobs, ready), name=f"server-{number}").start()
        pids = [ready.get(), ready.get()]
        print(*pids, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""

WAITS_FOR_QUEUED = """
    import multiprocessing, sys

    def set_up(event):
        global loaded
        loaded = event

    def look_up(word):
        print("ready", flush=True)
        loaded.wait()

    def load():
        loaded.set()

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        with context.Pool(2, initializer=set_up, initargs=(context.Event(),)) as pool:
            words = [pool.apply_async(look_up, (word,)) for word in ("one", "two")]
            pool.apply_async(load).get()
"""

EVERY_TASK_ENDS_ITS_WORKER = """
    import multiprocessing, os

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print("ready", "ready", flush=True)
            pool.map(os._exit, [1, 1, 1], chunksize=1)
"""

CALLBACK_RAISES = """
    import multiprocessing

    def charge(fruit):
        raise ValueError(fruit)  # (the library takes a KeyError for an unknown job)

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print("ready", "ready", flush=True)
            pool.apply_async(str, ("plum",), callback=charge).get()
"""

CANNOT_BE_REBUILT = """
    import multiprocessing

    class ParseError(Exception):
        def __init__(self, path, line):
            super().__init__(f"{path}, line {line}")

    def parse(path):
        raise ParseError(path, 1)

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print("ready", "ready", flush=True)
            pool.apply_async(parse, ("a.txt",)).get()
"""


def judged(pid: int, folder: Path):
    return judge(attach(pid, str(folder / "run")).path)


def finding(found, rule):
    return next((one for one in found.diagnosis.findings if one.rule == rule), None)


@pytest.mark.parametrize("method", METHODS)
def test_a_broken_executor_names_the_worker_that_died_first(tmp_path, method):
    with hung.hanging(tmp_path, BROKEN_EXECUTOR.replace("{then}", "results.get()"), method) as pid:
        broken = finding(judged(pid, tmp_path), "executor-broken")
    assert broken is not None
    assert (broken.severity.value, broken.processes[0].exit.signal) == ("error", signal.SIGKILL)


def test_a_broken_executor_that_the_program_copes_with_is_no_alarm(tmp_path):
    with hung.hanging(tmp_path, BROKEN_EXECUTOR.replace("{then}", "time.sleep(300)"), "fork") as pid:
        found = judged(pid, tmp_path)
    assert {one.severity.value for one in found.diagnosis.findings} <= {"hint"}


@pytest.mark.parametrize("method", METHODS)
def test_work_that_waits_for_work_behind_it_in_the_same_pool(tmp_path, method):
    with hung.hanging(tmp_path, WAITS_FOR_QUEUED, method) as pid:
        first, *_ = judged(pid, tmp_path).diagnosis.findings
    assert (first.rule, first.verdict.value) == ("pool-exhausted", "proven")
    assert "load() is queued behind them" in first.title
    assert {step.says for step in first.steps if step.says.startswith("begins")} == {
        "begins look_up('one')",
        "begins look_up('two')",
    }


@pytest.mark.parametrize("method", ["fork", "spawn"])  # the forkserver reaps what it forked
def test_children_that_nobody_joined_are_told_and_no_alarm(tmp_path, method):
    with hung.hanging(tmp_path, CHILDREN_LEFT, method) as pid:
        found = judged(pid, tmp_path)
    left = finding(found, "zombie")
    assert left is not None
    assert "3 children of MainProcess" in left.title
    assert {one.severity.value for one in found.diagnosis.findings} == {"hint"}


@contextmanager
def left_alone(folder: Path, method: str) -> Iterator[list[int]]:
    """Start a program that is killed and leaves two children; yield their pids."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(PARENT_KILLED))
    job = subprocess.Popen([sys.executable, str(path), method], stdout=subprocess.PIPE, start_new_session=True)
    assert job.stdout is not None
    pids = [int(word) for word in job.stdout.readline().split()]
    try:
        assert job.wait(20) == -signal.SIGKILL
        hung.await_rest(pids[0])
        yield pids
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.stdout.close()


@pytest.mark.parametrize("method", METHODS)
def test_children_of_a_killed_parent_are_one_job_and_told_as_left_alone(tmp_path, method):
    with left_alone(tmp_path, method) as pids:
        found = judged(pids[1], tmp_path)
    orphaned = finding(found, "orphaned")
    assert orphaned is not None
    assert {process.pid for process in orphaned.processes[:-1]} == set(pids)
    assert orphaned.processes[-1] is found.run.main
    assert not found.run.main.alive


def test_a_callback_that_raised_is_named_where_it_is_defined(tmp_path):
    with hung.hanging(tmp_path, CALLBACK_RAISES) as pid:
        time.sleep(0.5)  # the handler needs a moment to die of it
        died = finding(judged(pid, tmp_path), "helper-thread-died")
    assert died is not None
    assert [(place.site.line, place.site.function) for place in died.places if place.role == "raised"] == [(4, "charge")]


def test_a_handler_that_died_without_a_callback_could_not_rebuild_a_result(tmp_path):
    with hung.hanging(tmp_path, CANNOT_BE_REBUILT) as pid:
        time.sleep(0.5)  # as above
        died = finding(judged(pid, tmp_path), "helper-thread-died")
    assert died is not None
    assert "a result could not be rebuilt" in died.title


def test_a_storm_of_workers_that_has_blown_over_is_told_by_the_tasks_it_took(tmp_path):
    with hung.hanging(tmp_path, EVERY_TASK_ENDS_ITS_WORKER) as pid:
        time.sleep(1)  # the pool looks for dead workers ten times a second
        first, *_ = judged(pid, tmp_path).diagnosis.findings
    assert (first.rule, first.verdict.value) == ("worker-respawn-loop", "likely")


def test_a_key_error_of_a_callback_is_told_by_the_result_that_was_never_handed_out(tmp_path):
    with hung.hanging(tmp_path, hung.POOL_CALLBACK_RAISES) as pid:
        time.sleep(0.5)  # as above
        first, *_ = judged(pid, tmp_path).diagnosis.findings
    assert (first.rule, first.verdict.value) == ("helper-thread-died", "proven")
    assert "the callback charge() raised KeyError" in first.title


def test_a_callback_that_still_works_has_not_failed(tmp_path):
    with hung.hanging(tmp_path, hung.CALLBACK_WORKS_LONG) as pid:
        assert finding(judged(pid, tmp_path), "helper-thread-died") is None
