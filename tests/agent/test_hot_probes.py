"""Semaphores, connections, queues: what a process that hangs or is killed leaves on its board, and that nothing changes for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mptrace.collect.head import read_head
from mptrace.wire import layout, resource, rundir, wait
from mptrace.wire.events import failures, resources
from tests.support.traced import environment, line_of, read, trace
from tests.support.versions import everywhere

pytestmark = pytest.mark.usefixtures("either_recorder")

TWO_LOCKS = """
import multiprocessing as mp, sys

def work(one, two, ready, go):
    with one:
        ready.send(1)  # told
        go.recv()
        two.acquire()  # wanted

if __name__ == "__main__":
    ctx = mp.get_context(sys.argv[1])
    one, two = ctx.Lock(), ctx.RLock()  # made
    mine, theirs = ctx.Pipe()
    two.acquire()  # held
    child = ctx.Process(target=work, args=(one, two, theirs, theirs))
    child.start()
    mine.recv()
    mine.send(1)
    one.acquire(True)  # blocked
"""


class Hanging:
    """A program that hangs, traced; its files are read until they show what is asked for."""

    def __init__(self, program: str, path: Path, python: str, *arguments: str) -> None:
        self.path = path
        (path / "program.py").write_text(program)
        self.run = path / "run"
        (self.run / rundir.PROCESSES).mkdir(parents=True)
        env = {**os.environ, **environment(self.run)}
        command = [python, str(path / "program.py"), *arguments]
        self.job = subprocess.Popen(command, env=env, cwd=path, start_new_session=True, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.job.pid, signal.SIGKILL)
        self.job.communicate(timeout=10)

    def heads(self):
        """Return pid -> head of its newest file."""
        found = {}
        for path in sorted((self.run / rundir.PROCESSES).glob(f"*{rundir.RECORDING}")):
            data = path.read_bytes()
            if len(data) >= layout.SIZE:
                found[rundir.parse_name(path.name)[0]] = read_head(data, data)
        return found

    def until(self, seen):
        """Return what ``seen(heads)`` returns once it is true; bounded."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            found = seen(self.heads())
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(("never seen", self.heads()))

    def line(self, pid: int, site: int) -> int:
        """Return the program's line of a site of this process, or of the one it was forked from."""
        sites = [r for r in read(self.run) if r.kind.name == "site.seen" and r["site"] == site]
        own = [r for r in sites if r.pid == pid] or sites
        return int(own[0]["line"]) if own and str(own[0]["file"]).endswith("program.py") else 0


def _waits(heads, kind):
    return [(pid, entry.wait) for pid, head in heads.items() for entry in head.entries if entry.wait and entry.wait.kind == kind]


def _held(heads):
    return {lock.key: (pid, lock) for pid, head in heads.items() for lock in head.locks if lock.ident}


@everywhere
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_two_processes_that_want_each_others_locks_show_who_holds_what_and_who_waits_where(tmp_path, python, method):
    with Hanging(TWO_LOCKS, tmp_path, python, method) as hanging:
        both = lambda heads: (w := _waits(heads, wait.ACQUIRE)) and len(w) == 2 and (w, heads)  # noqa: E731
        found, heads = hanging.until(both)
        held = _held(heads)
        assert {slot.key for _, slot in found} == set(held)
        parent = hanging.job.pid
        assert {hanging.line(pid, slot.site) for pid, slot in found} == {
            line_of(TWO_LOCKS, "wanted"),
            line_of(TWO_LOCKS, "blocked"),
        }
        mine = next(lock for pid, lock in held.values() if pid == parent)
        assert hanging.line(parent, mine.site) == line_of(TWO_LOCKS, "held")
        for pid, slot in found:
            assert held[slot.key][0] != pid
            assert slot.timeout_ns is None
            assert 0 < slot.since_ns < time.monotonic_ns()
        made = [r for r in read(hanging.run) if r.kind is resources.MADE and r["kind"] in ("Lock", "RLock") and not r["detail"]]
        assert {resource_key(r) for r in made} == set(held)
        assert {hanging.line(r.pid, int(r["site"])) for r in made} == {line_of(TWO_LOCKS, "made")}


def resource_key(record) -> int:
    return int(record["key"]) & 0xFFFFFFFFFFFFFFFF


def test_a_lock_survives_its_killed_holder_on_the_board(tmp_path):
    program = """
import multiprocessing as mp, os, signal
def work(lock):
    with lock:
        os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    ctx = mp.get_context("fork")
    lock = ctx.Lock()
    child = ctx.Process(target=work, args=(lock,))
    child.start(); child.join()
    print(child.pid, flush=True)
    lock.acquire()
"""
    with Hanging(program, tmp_path, sys.executable) as hanging:
        pid = int(hanging.job.stdout.readline())
        waiting = hanging.until(lambda heads: _waits(heads, wait.ACQUIRE))
        held = _held(hanging.heads())
        assert held[waiting[0][1].key][0] == pid


@everywhere
def test_a_forked_child_of_a_holder_does_not_hold_and_its_release_is_noted(tmp_path, python):
    program = """
import multiprocessing as mp
def work(lock):
    lock.release()
if __name__ == "__main__":
    ctx = mp.get_context("fork")
    lock = ctx.Lock()
    lock.acquire()
    child = ctx.Process(target=work, args=(lock,))
    child.start(); child.join()
    print(lock.acquire(timeout=0), child.exitcode)
"""
    done = trace(program, tmp_path, python)
    assert (done.status, done.out) == (0, "True 0\n"), done.err
    cells = {}
    for path in (done.path / rundir.PROCESSES).glob("*.mpt"):
        words = memoryview(path.read_bytes()).cast("Q")
        cells[bool(words[layout.H_FLAGS] & layout.FORKED)] = words[layout.HELD // 8], words[layout.CELLS // 8 + 2]
    assert cells[True][0] == 0
    assert cells[True][1] & layout.FOREIGN
    assert not cells[False][1] & layout.FOREIGN


SEMANTICS = """
import inspect, multiprocessing as mp, pickle, sys
def attempt(function, *args, **kwargs):
    try: return function(*args, **kwargs)
    except BaseException as error: return type(error).__name__, str(error)
def main():
    ctx = mp.get_context("fork")
    for kind in (ctx.Lock, ctx.RLock, ctx.Semaphore, ctx.BoundedSemaphore, ctx.Condition):
        lock = kind()
        print(kind.__name__, lock.acquire(), lock.acquire(False), lock.acquire(block=False), lock.acquire(True, 0.001))
        print(attempt(lock.acquire, True, "x"), attempt(lock.acquire, 1, 2, 3)[0], attempt(lock.acquire, no=1)[0])
        print(attempt(lock.acquire, 0), attempt(lock.acquire, True, -1), attempt(lock.acquire, timeout=0))
        print([attempt(lock.release) for _ in range(6)][:1], attempt(lock.release, 1)[0])
        with kind() as entered: print(entered)
        print(attempt(pickle.dumps, lock)[0], repr(kind()))
        other = kind()
        print(other.acquire.__name__, other.release.__name__)
    one, two = ctx.Pipe()
    print(inspect.signature(one.send), inspect.signature(one._recv_bytes), inspect.signature(mp.connection.wait))
    one.send_bytes(b"abc", 1, 1); print(two.recv_bytes(), attempt(two.poll), attempt(two.poll, 0.001))
    one.send([1]); print(two.recv(), mp.connection.wait([two], 0.001))
    one.send_bytes(b"abcdef"); print(attempt(two.recv_bytes, 2))
    one.close(); print(attempt(one.send, 1), attempt(two.recv))
    queue = ctx.Queue(1)
    queue.put(1, block=True, timeout=1); print(attempt(queue.put, 2, False)[0], queue.get(), attempt(queue.get, False)[0])
    queue.close(); queue.join_thread(); print(attempt(queue.put, 1)[0])
    event, barrier = ctx.Event(), ctx.Barrier(1)
    print(event.wait(0.001), event.set(), event.wait(), barrier.wait(), barrier.wait(timeout=1))
if __name__ == "__main__":
    main()
"""


@everywhere
def test_results_exceptions_and_signatures_are_those_of_the_bare_program(tmp_path, python):
    (tmp_path / "bare.py").write_text(SEMANTICS)
    bare = subprocess.run([python, str(tmp_path / "bare.py")], capture_output=True, text=True, timeout=60, check=False)
    traced = trace(SEMANTICS, tmp_path, python)
    scrub = lambda text: [part.split(" at 0x")[0] for part in text.splitlines()]  # noqa: E731
    assert scrub(traced.out) == scrub(bare.stdout)
    assert (traced.status, traced.err) == (bare.returncode, bare.stderr)
    assert traced.quiet()


QUEUES = """
import multiprocessing as mp, sys, time
def work(queue, done):
    print(queue.get()); done.put("x")
if __name__ == "__main__":
    ctx = mp.get_context(sys.argv[1])
    queue = ctx.Queue(3)  # queue
    done = ctx.SimpleQueue()  # simple
    child = ctx.Process(target=work, args=(queue, done))
    child.start()
    queue.put([lambda: 1])  # put
    queue.put(5)
    done.get(); child.join(); queue.close(); queue.join_thread()
    print(child.exitcode)
"""


@everywhere
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_queues_tell_their_parts_and_the_item_that_their_feeder_dropped(tmp_path, python, method):
    done = trace(QUEUES, tmp_path, python, arguments=(method,))
    assert (done.status, done.out) == (0, "5\n0\n"), done.err
    made = {str(r["kind"]): r for r in done.of(resources.MADE) if r["family"] == resource.OBJECT and not r["detail"]}
    assert (done.line(made["Queue"]), made["Queue"]["number"]) == (line_of(QUEUES, "queue"), 3)
    assert done.line(made["SimpleQueue"]) == line_of(QUEUES, "simple")
    roles = {str(r["role"]) for r in done.of(resources.PART) if r["owner_key"] == made["Queue"]["key"]}
    assert roles == {"_reader", "_writer", "_rlock", "_wlock", "_sem", "_notempty"}
    dropped = done.one(failures.ITEM_DROPPED)
    assert dropped["key"] == made["Queue"]["key"]
    assert done.line(dropped) == line_of(QUEUES, "put")
    assert bool([r for r in done.of(resources.KNOWN) if r["kind"] == "Queue"]) == (method != "fork")
    assert done.quiet()


COMPOSITES = """
import multiprocessing as mp, sys
def main(ctx):
    condition, event, barrier = ctx.Condition(), ctx.Event(), ctx.Barrier(3)  # made
    print("ready", flush=True)
    if sys.argv[1] == "event": event.wait()  # event
    if sys.argv[1] == "barrier": barrier.wait(1000)  # barrier
    with condition: condition.wait()  # condition
if __name__ == "__main__":
    main(mp.get_context("fork"))
"""


@pytest.mark.parametrize(("which", "kind"), [("event", wait.FLAG), ("barrier", wait.PARTIES), ("condition", wait.NOTIFY)])
def test_a_wait_for_an_event_a_barrier_or_a_condition_is_an_intent_above_a_semaphore(tmp_path, which, kind):
    with Hanging(COMPOSITES, tmp_path, sys.executable, which) as hanging:
        pid, slot = hanging.until(lambda heads: _waits(heads, wait.ACQUIRE))[0]
        intent = next(entry.intent for entry in hanging.heads()[pid].entries if entry.intent)
        assert (intent.kind, intent.family) == (kind, resource.OBJECT)
        assert (intent.timeout_ns is not None) == (which == "barrier")
        assert hanging.line(pid, intent.site) == hanging.line(pid, slot.site) == line_of(COMPOSITES, which)
        made = [r for r in read(hanging.run) if r.kind is resources.MADE and resource_key(r) == intent.key and not r["detail"]]
        assert [r["kind"] for r in made if r["family"] == resource.OBJECT] == [which.capitalize()]


def test_a_receive_that_waits_shows_the_pipe_its_line_and_how_much_came_before(tmp_path):
    program = """
import multiprocessing as mp
mine, theirs = mp.get_context("fork").Pipe()
for number in range(100):
    mine.send(number); theirs.recv()
print("ready", flush=True)
mine.recv()  # here
"""
    with Hanging(program, tmp_path, sys.executable) as hanging:
        pid, slot = hanging.until(lambda heads: _waits(heads, wait.RECV))[0]
        assert hanging.line(pid, slot.site) == line_of(program, "here")
        tallies = {tally.key: tally for tally in hanging.heads()[pid].tallies}
        assert (tallies[slot.key].sent, tallies[slot.key].received, tallies[slot.key].ends) == (100, 0, 3)


def test_a_wait_in_a_signal_handler_puts_the_interrupted_one_back(tmp_path):
    program = """
import multiprocessing as mp, os, signal
lock = mp.get_context("fork").Lock()
mine, theirs = mp.get_context("fork").Pipe()
def handle(*_):
    lock.acquire(timeout=0.01)
    print("handled", flush=True)
signal.signal(signal.SIGUSR1, handle)
lock.acquire()
print("ready", flush=True)
mine.recv()
"""
    with Hanging(program, tmp_path, sys.executable) as hanging:
        assert hanging.job.stdout.readline() == "ready\n"
        before = hanging.until(lambda heads: _waits(heads, wait.RECV))[0]
        os.kill(hanging.job.pid, signal.SIGUSR1)
        assert hanging.job.stdout.readline() == "handled\n"
        assert hanging.until(lambda heads: _waits(heads, wait.RECV))[0] == before


def test_a_lock_in_a_hot_loop_keeps_its_holder_and_drops_its_notes(tmp_path):
    program = """
import multiprocessing as mp, threading
lock = mp.get_context("fork").Lock()
for _ in range(5000):
    with lock: pass
lock.acquire()
print("ready", flush=True)
lock.acquire()
"""
    with Hanging(program, tmp_path, sys.executable) as hanging:
        hanging.until(lambda heads: _waits(heads, wait.ACQUIRE))
        _, lock = next(iter(_held(hanging.heads()).values()))
        assert lock.ident
        assert lock.since_ns == 0
        assert lock.site


def test_cells_of_locks_and_connections_that_are_gone_serve_others(tmp_path):
    program = """
import multiprocessing as mp
ctx = mp.get_context("fork")
for _ in range(700):
    lock = ctx.Lock(); one, two = ctx.Pipe()
    with lock: pass
"""
    done = trace(program, tmp_path)
    words = memoryview(next((done.path / rundir.PROCESSES).glob("*.mpt")).read_bytes()).cast("Q")
    assert (done.status, done.err) == (0, "")
    assert (words[layout.H_LOST_LOCKS], words[layout.H_LOST_TALLIES]) == (0, 0)


def test_locks_used_by_finalizers_at_the_very_end_of_the_interpreter_print_nothing(tmp_path):
    program = """
import multiprocessing as mp
class Late:
    def __init__(self):
        self.lock, (self.one, self.two) = mp.get_context("fork").Lock(), mp.get_context("fork").Pipe()
    def __del__(self):
        with self.lock: self.one.send_bytes(b"x"); self.two.recv_bytes()
        self.lock.acquire(); self.lock.release()
late = Late()
late.itself = late
import sys
sys.modules["keeps"] = late
"""
    done = trace(program, tmp_path)
    assert (done.status, done.out, done.err) == (0, "", "")


@everywhere
def test_no_frame_of_ours_is_in_the_tracebacks_of_the_program(tmp_path, python):
    program = """
import multiprocessing as mp, signal, sys, traceback
ctx = mp.get_context("fork")
lock, rlock, semaphore, queue, event, (mine, theirs) = ctx.Lock(), ctx.RLock(), ctx.Semaphore(0), ctx.Queue(1), ctx.Event(), ctx.Pipe()
lock.acquire(); queue.put(1); theirs.close()
def interrupt(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
def enter():
    with lock: pass
def enter_semaphore():
    with semaphore: pass
queue.get(); mine2, theirs2 = ctx.Pipe()
for function in (lock.acquire, enter, enter_semaphore, lambda: lock.acquire(True, "x"), lambda: lock.acquire(timeout=9), semaphore.acquire,
                 mine.recv, lambda: mine.send(1), mine2.recv, lambda: mine2.send_bytes(bytes(1 << 22)), event.wait, queue.get,
                 lambda: queue.put(1, 1, "x"), lambda: mp.connection.wait([mine2])):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try: function()
    except BaseException: traceback.print_exc()
    signal.setitimer(signal.ITIMER_REAL, 0)
"""
    done = trace(program, tmp_path, python)
    assert done.err.count("Traceback") == 14, done.err
    assert done.quiet() or "3.10" in python, done.err
