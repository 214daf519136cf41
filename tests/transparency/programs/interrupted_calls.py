"""Ctrl-C in everything that waits, under one start method: prints the functions in the traceback of each KeyboardInterrupt.

Another process looks at this one, and signals it when it sleeps: nothing here depends on how long something takes.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing as mp
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
import time
import traceback

WATCH = """
import os, sys, time
pid, before = int(sys.argv[1]), None
while os.getppid() == pid:
    with open(f"/proc/{pid}/status") as file:
        seen = [line for line in file if line.startswith(("State", "voluntary", "nonvoluntary"))]
    if seen == before and "sleeping" in seen[0]:
        os.kill(pid, 10)
    before = seen
    time.sleep(0.03)
"""

armed = False


def interrupt(*_):
    global armed
    if armed:
        armed = False
        raise KeyboardInterrupt


def tell(what, call, *args):
    global armed
    armed = True
    try:
        call(*args)
    except KeyboardInterrupt as error:
        entries = traceback.extract_tb(error.__traceback__)
        print(what, [(os.path.basename(entry.filename), entry.name) for entry in entries if entry.name != "interrupt"])
    else:
        print(what, "returned")


def forever():
    time.sleep(1000)


def enter(lock):
    with lock:
        pass


def locks(ctx):
    lock, rlock, none = ctx.Lock(), ctx.RLock(), ctx.Semaphore(0)
    lock.acquire()
    thread = threading.Thread(target=rlock.acquire)
    thread.start()
    thread.join()
    for one in (lock, rlock, none):
        tell(f"{type(one).__name__}.acquire", one.acquire)
        tell(f"{type(one).__name__}.acquire for a time", one.acquire, True, 1000)
        tell(f"with {type(one).__name__}", enter, one)
    tell("event", ctx.Event().wait)
    tell("event for a time", ctx.Event().wait, 1000)
    condition = ctx.Condition()
    with condition:
        tell("condition", condition.wait)
        tell("wait_for", condition.wait_for, bool)
    tell("barrier", ctx.Barrier(2).wait)


def queues(ctx):
    queue = ctx.Queue(1)
    tell("get", queue.get)
    tell("get for a time", queue.get, True, 1000)
    queue.put(1)
    tell("put", queue.put, 2)
    queue.get()
    joinable = ctx.JoinableQueue()
    joinable.put(1)
    tell("Queue.join", joinable.join)
    joinable.get()
    tell("SimpleQueue.get", ctx.SimpleQueue().get)
    one, other = ctx.Pipe()
    tell("recv", one.recv)
    tell("poll", one.poll, None)
    tell("wait", mp.connection.wait, [one, other])
    tell("send", one.send_bytes, b"x" * 10_000_000)
    tell("accept", mp.connection.Listener().accept)


def feeder(ctx):
    queue = ctx.Queue()
    queue.put(b"x" * 1_000_000)
    spare = mp.connection.Connection(os.dup(queue._reader.fileno()))
    queue.close()
    tell("join_thread", queue.join_thread)
    spare.recv_bytes()


def processes(ctx):
    process = ctx.Process(target=forever)
    process.start()
    tell("join", process.join)
    tell("join for a time", process.join, 1000)
    tell("sentinel", mp.connection.wait, [process.sentinel])
    process.kill()
    process.join()
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    tell("Thread.join", thread.join)
    done.set()
    thread.join()
    with ctx.Manager() as manager:
        tell("proxy", manager.Queue().get)


def pools(ctx):
    with ctx.Pool(1) as pool:
        tell("apply", pool.apply, forever)
        tell("map", pool.map, time.sleep, [1000])
        tell("get", pool.apply_async(forever).get)
        tell("imap", lambda: next(pool.imap(time.sleep, [1000])))
        tell("imap_unordered", lambda: next(pool.imap_unordered(time.sleep, [1000])))
        pool.close()
        tell("Pool.join", pool.join)
    executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=ctx)
    future = executor.submit(forever)
    tell("result", future.result)
    tell("exception", future.exception)
    tell("as_completed", lambda: list(concurrent.futures.as_completed([future])))
    tell("futures.wait", concurrent.futures.wait, [future])
    tell("Executor.map", lambda: list(executor.map(time.sleep, [1000])))
    tell("shutdown", executor.shutdown)
    for process in mp.active_children():
        process.kill()


def main():
    signal.signal(signal.SIGUSR1, interrupt)
    watch = subprocess.Popen([sys.executable, "-I", "-S", "-c", WATCH, str(os.getpid())])
    try:
        for section in (locks, queues, feeder, processes, pools):
            section(mp.get_context(sys.argv[1]))
    finally:
        watch.kill()
        watch.wait()


if __name__ == "__main__":
    main()
