"""Small programs that hang, started without mptrace, that say so before they do."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mptrace.observe import procfs

READY_S = 20.0

LOCK_CYCLE = """
    import multiprocessing, sys

    def work(mine, other, meeting):
        with mine:
            meeting.wait()
            print("ready", flush=True)
            with other:
                pass

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        stats, cache, meeting = context.Lock(), context.Lock(), context.Barrier(2)
        left = context.Process(target=work, args=(stats, cache, meeting), name="left")
        right = context.Process(target=work, args=(cache, stats, meeting), name="right")
        left.start(), right.start()
        left.join()
"""

SELF_DEADLOCK = """
    import multiprocessing

    if __name__ == "__main__":
        lock = multiprocessing.Lock()
        lock.acquire()
        print("ready", "ready", flush=True)
        lock.acquire()
"""

DEAD_HOLDER = """
    import multiprocessing, os, signal

    def work(lock):
        lock.acquire()
        os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        lock = context.Lock()
        worker = context.Process(target=work, args=(lock,), name="victim")
        worker.start()
        worker.join()
        print("ready", "ready", flush=True)
        lock.acquire()
"""

IDLE_POOL = """
    import multiprocessing, sys, time

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(int(sys.argv[1])) as pool:
            pool.map(abs, range(100))
            print("ready", "ready", flush=True)
            time.sleep(300)
"""

PIPE_BOTH_SEND = """
    import multiprocessing

    def work(end):
        print("ready", flush=True)
        end.send(bytes(4_000_000))

    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        mine, other = context.Pipe()
        context.Process(target=work, args=(other,), name="sender").start()
        print("ready", flush=True)
        mine.send(bytes(4_000_000))
"""

BUSY = """
    print("ready", "ready", flush=True)
    while True:
        pass
"""

THREAD_JOIN = """
    import threading

    def wait(lock):
        print("ready", "ready", flush=True)
        lock.acquire()

    lock = threading.Lock()
    lock.acquire()
    waiter = threading.Thread(target=wait, args=(lock,), name="waiter")
    waiter.start()
    waiter.join()
"""


@contextmanager
def hanging(folder: Path, program: str, *arguments: str, python: str | Path = sys.executable) -> Iterator[int]:
    """Start a program, wait until it has said ``ready`` twice and then stands still; yield its pid; kill all of it at the end."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(program))
    job = subprocess.Popen(
        [str(python), str(path), *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        await_ready(job)
        await_rest(job.pid)
        yield job.pid
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait(10)
        assert job.stdout is not None
        job.stdout.close()


def await_ready(job: subprocess.Popen[bytes]) -> None:
    assert job.stdout is not None
    said, end = b"", time.monotonic() + READY_S
    with selectors.DefaultSelector() as selector:
        selector.register(job.stdout, selectors.EVENT_READ)
        while said.count(b"ready") < 2:
            assert time.monotonic() < end, said
            if selector.select(0.1):
                data = os.read(job.stdout.fileno(), 1000)
                assert data, said
                said += data


def await_rest(pid: int) -> None:
    """Wait until no thread of the job has used the processor for a moment, or for a second."""
    for _ in range(10):
        before = _cpu(pid)
        time.sleep(0.1)
        if before == _cpu(pid):
            return


def _cpu(pid: int) -> int:
    stats = [procfs.stat(one) for one in (pid, *procfs.children(pid))]
    return sum(stat.cpu_ticks for stat in stats if stat)


RLOCK_CYCLE = """
    import threading

    def work(mine, other, meeting):
        with mine:
            meeting.wait()
            print("ready", flush=True)
            with other:
                pass

    meeting = threading.Barrier(2)
    stats, cache = threading.RLock(), threading.RLock()
    threading.Thread(target=work, args=(cache, stats, meeting), name="second", daemon=True).start()
    work(stats, cache, meeting)
"""

POOL_LOST_WORKER = """
    import multiprocessing, os, signal, time

    def work(number):
        if number == 3:
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print("ready", "ready", flush=True)
            pool.map(work, range(6), chunksize=1)
"""

POOL_CALLBACK_RAISES = """
    import multiprocessing

    def charge(fruit):
        raise KeyError(fruit)

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print("ready", "ready", flush=True)
            pool.apply_async(str, ("plum",), callback=charge).get()
"""

CALLBACK_WORKS_LONG = """
    import multiprocessing, time

    def store(result):
        print("ready", "ready", flush=True)
        time.sleep(300)

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.apply_async(str, ("plum",), callback=store)
            pool.apply_async(str, ("pear",)).get()
"""

TERMINATED_CHILD = """
    import multiprocessing, time

    if __name__ == "__main__":
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,))
        child.start()
        child.terminate()
        child.join()
        print("ready", "ready", flush=True)
        time.sleep(300)
"""

FOREIGN_CONDITION = """
    import ctypes, threading

    libc = ctypes.CDLL(None)
    mutex, condition = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
    libc.pthread_mutex_lock(mutex)
    print("ready", "ready", flush=True)
    libc.pthread_cond_wait(condition, mutex)
"""


EVENT_LOOP = """
    import asyncio, concurrent.futures, multiprocessing, time

    async def main():
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor:
            work = asyncio.get_running_loop().run_in_executor(executor, time.sleep, 300)
            print("ready", "ready", flush=True)
            await work

    asyncio.run(main())
"""

MANAGER = """
    import multiprocessing, time

    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Manager() as manager:
            shared = manager.dict()
            print("ready", "ready", flush=True)
            time.sleep(300)
"""
