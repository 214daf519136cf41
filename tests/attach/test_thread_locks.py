"""Attach to jobs whose threads wait for locks of `threading`: who has a plain Lock, and which waits are meant to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.attach.attach import see
from mptrace.attach.cpython.blocks import Blocks
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Memory
from tests.attach import hung
from tests.attach.test_hard_cases import told
from tests.support.versions import everywhere

CYCLE_BESIDE_A_SLEEPER = """
    import threading, time

    first, second, meeting = threading.Lock(), threading.Lock(), threading.Barrier(2)

    def work(mine, other):
        with mine:
            meeting.wait()
            print("ready", flush=True)
            with other:
                pass

    threading.Thread(target=work, args=(first, second), name="left").start()
    threading.Thread(target=work, args=(second, first), name="right").start()
    time.sleep(300)
"""

CYCLE_BY_ACQUIRE = """
    import threading

    first, second, meeting = threading.Lock(), threading.Lock(), threading.Barrier(2)

    def work(mine, other):
        mine.acquire()
        meeting.wait()
        print("ready", flush=True)
        other.acquire()

    left = threading.Thread(target=work, args=(first, second), name="left")
    left.start()
    threading.Thread(target=work, args=(second, first), name="right").start()
    left.join()
"""

LOCK_HANDED_OVER = CYCLE_BESIDE_A_SLEEPER.replace("time.sleep(300)", "time.sleep(300)\n    second.release()")

AT_THE_DOOR = """
    import ctypes, threading, time

    door = threading.Lock()
    door.acquire()

    def wait():
        with door, door:
            pass

    for name in ("one", "two"):
        threading.Thread(target=wait, name=name).start()
    print("ready", "ready", flush=True)
    time.sleep(300)
    door.release()
"""

LEFT_BEHIND = """
    import threading

    a, b, c, gate = threading.Lock(), threading.Lock(), threading.Lock(), threading.Lock()
    gate.acquire()

    def work():
        with a, b, c:
            pass
        print("ready", "ready", flush=True)
        gate.acquire()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
"""

FOR_EVER = """
    import threading

    stop = threading.Event()
    idle = threading.Thread(target=stop.wait)
    idle.start()
    print("ready", "ready", flush=True)
    idle.join()
"""


@everywhere
def test_a_circle_of_plain_locks_is_proven_beside_a_thread_that_sleeps(tmp_path, python):
    with hung.hanging(tmp_path, CYCLE_BESIDE_A_SLEEPER, python=python) as pid:
        assert told(pid, tmp_path) == [("lock-cycle", "proven")]


def test_a_circle_of_locks_taken_by_acquire_is_proven_where_nobody_else_runs(tmp_path):
    with hung.hanging(tmp_path, CYCLE_BY_ACQUIRE) as pid:
        assert told(pid, tmp_path) == [("lock-cycle", "proven")]


def test_a_lock_that_the_program_releases_elsewhere_has_no_certain_holder(tmp_path):
    with hung.hanging(tmp_path, LOCK_HANDED_OVER) as pid:
        assert told(pid, tmp_path) == []


def test_threads_that_wait_to_enter_a_block_are_not_inside_of_it(tmp_path):
    with hung.hanging(tmp_path, AT_THE_DOOR) as pid:
        assert told(pid, tmp_path) == []


@everywhere
def test_blocks_that_were_left_are_not_told_although_the_stack_still_shows_them(tmp_path, python):
    with hung.hanging(tmp_path, LEFT_BEHIND, python=python) as pid:
        sight = see(pid, 0)
        (process,) = sight.job.living
        insight = Insight(process, Memory(pid), sight.names)
        idents = frozenset(thread.ident for thread in process.threads.values())
        assert len(idents) == 2
        assert Blocks(insight.interpreter).read(idents) == []
        assert [held for held in sight.lock_holders if held.how == "block"] == []


def test_threads_that_only_wait_for_a_word_are_not_called_deadlocked(tmp_path: Path):
    with hung.hanging(tmp_path, FOR_EVER) as pid:
        assert told(pid, tmp_path) == []


NATIVE_MUTEX = """
    import ctypes, threading

    library, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(4096)
    library.pthread_mutex_lock(mutex)
    print(threading.get_native_id(), file=open("owner", "w"))
    print("ready", "ready", flush=True)
    threading.Thread(target=library.pthread_mutex_lock, args=(mutex,)).start()
    threading.Event().wait()
"""


def test_a_mutex_of_a_library_is_told_with_its_function_and_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with hung.hanging(tmp_path, NATIVE_MUTEX) as pid:
        (native,) = see(pid, 0).native_waits
    assert (native.function, native.library.split(".")[0]) == ("pthread_mutex_lock", "libc")
    assert native.owner == int((tmp_path / "owner").read_text())


PUT_WITHIN_PUT = """
    import queue, threading

    lines = queue.Queue()

    class Noisy:
        def __len__(self):
            lines.put("noise")
            return 0

    lines._put = lambda item: len(Noisy())
    print("ready", "ready", flush=True)
    lines.put("first")
"""

CONDITION_GIVEN_BACK = """
    import threading

    changed = threading.Condition(threading.Lock())

    def wait():
        with changed:
            print("ready", flush=True)
            changed.wait()

    def hold():
        changed.acquire()
        print("ready", flush=True)
        threading.Event().wait(300)

    def enter():
        with changed:
            pass

    for work in (wait, hold, enter):
        threading.Thread(target=work, name=work.__name__).start()
"""


@everywhere
def test_a_thread_that_wants_the_lock_of_a_condition_which_it_is_inside_of_is_proven_to_hang(tmp_path, python):
    with hung.hanging(tmp_path, PUT_WITHIN_PUT, python=python) as pid:
        assert told(pid, tmp_path) == [("self-deadlock", "proven")]


@everywhere
def test_who_waits_on_a_condition_or_is_about_to_enter_it_does_not_hold_its_lock(tmp_path, python):
    with hung.hanging(tmp_path, CONDITION_GIVEN_BACK, python=python) as pid:
        assert [held for held in see(pid, 0).lock_holders if held.how == "block"] == []


DEFINED_BEHIND = """
    import threading

    gate = threading.Lock()
    gate.acquire()

    def enter():
        print("ready", "ready", flush=True)
        with gate:
            pass

    visitor = threading.Thread(target=enter)
    visitor.start()
    visitor.join()
"""


def test_a_function_that_is_defined_behind_an_acquire_is_not_inside_of_it(tmp_path):
    with hung.hanging(tmp_path, DEFINED_BEHIND) as pid:
        assert [(held.tid == pid, held.how) for held in see(pid, 0).lock_holders] == [(True, "text")]
