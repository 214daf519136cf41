"""Calls of the library that fail, under every start method: prints how each fails, with the functions in its traceback."""

from __future__ import annotations

import concurrent.futures
import multiprocessing as mp
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.pool
import multiprocessing.shared_memory
import multiprocessing.sharedctypes
import os
import signal
import subprocess
import sys
import threading
import time
import traceback


class Odd:
    """Cannot be sent."""

    def __reduce__(self):
        raise ValueError("odd")


class OddToRebuild:
    """Can be sent, but not received."""

    def __reduce__(self):
        return int, ("x",)


def boom(*_):
    raise KeyError("boom")


def same(value):
    return value


def unpicklable():
    return lambda: 0


def functions(trace):
    return [(os.path.basename(frame.filename), frame.name) for frame in traceback.extract_tb(trace)]


def tell(what, call, *args, **options):
    try:
        print(what, "->", type(call(*args, **options)).__name__)
    except BaseException as error:
        chained = error.__cause__ or error.__context__
        print(what, type(error).__name__, functions(error.__traceback__), error.__suppress_context__)
        if chained is not None:
            print(what, "after", type(chained).__name__, functions(chained.__traceback__))


def processes(ctx):
    tell("start twice", lambda process: (process.start(), process.join(), process.start()), ctx.Process(target=same, args=(1,)))
    if ctx.get_start_method() != "fork":
        tell("start unpicklable", ctx.Process(target=same, args=(Odd(),)).start)
    tell("join before start", ctx.Process(target=same).join)
    tell("terminate before start", ctx.Process(target=same).terminate)


def locks(ctx):
    lock, rlock = ctx.Lock(), ctx.RLock()
    tell("release", lock.release)
    tell("acquire with text", lock.acquire, True, "x")
    tell("acquire with text by name", lock.acquire, block=True, timeout="x")
    tell("acquire with too much", lock.acquire, 1, 2, 3)
    tell("leave", lock.__exit__, None, None, None)
    tell("release recursive", rlock.release)
    tell("leave recursive", rlock.__exit__, None, None, None)
    tell("semaphore with text", ctx.Semaphore(1).acquire, "a", "b")
    tell("bounded", ctx.BoundedSemaphore(1).release)
    tell("negative", ctx.Semaphore, -1)
    tell("text for a number", ctx.Semaphore, "x")
    tell("condition wait", ctx.Condition().wait)
    tell("condition notify", ctx.Condition().notify)
    tell("event with text", ctx.Event().wait, "x")
    tell("barrier alone", ctx.Barrier(2).wait, 0.01)
    tell("barrier of nobody", ctx.Barrier)


def queues(ctx):
    queue = ctx.Queue(1)
    queue.put(1)
    tell("full", queue.put, 1, False)
    tell("put nothing", queue.put)
    queue.get()
    tell("empty", queue.get, False)
    tell("empty after a while", queue.get, True, 0.01)
    queue.close()
    tell("put closed", queue.put, 1)
    tell("get closed", queue.get)
    tell("done too often", ctx.JoinableQueue().task_done)
    tell("put unpicklable", ctx.SimpleQueue().put, Odd())


def connections(ctx):
    one, other = ctx.Pipe()
    tell("send unpicklable", one.send, Odd())
    one.send(OddToRebuild())
    tell("receive what cannot be rebuilt", other.recv)
    other.close()
    tell("receive at the end", one.recv)
    tell("send to nobody", one.send, 1)
    tell("receive less than nothing", one.recv_bytes, -1)
    one.close()
    tell("receive closed", one.recv)
    tell("poll closed", one.poll)
    reader, writer = ctx.Pipe(duplex=False)
    tell("receive from the writer", writer.recv)
    tell("send to the reader", reader.send, 1)
    reader.close()
    tell("broken pipe", writer.send, 1)
    tell("wait for a number", mp.connection.wait, [1.5], 1)
    tell("wait for no descriptor", mp.connection.wait, [12345], 1)
    tell("connect to nobody", mp.connection.Client, "/nonexistent/x")
    listener = mp.connection.Listener()
    listener.close()
    tell("accept closed", listener.accept)


def pools(ctx):
    with ctx.Pool(1) as pool:
        for name in ("apply", "apply_async"):
            tell(name, lambda name=name: getattr(getattr(pool, name)(boom), "get", int)())
        tell("map", pool.map, boom, [1])
        tell("starmap", pool.starmap, boom, [(1,)])
        tell("imap", lambda: list(pool.imap(boom, [1])))
        tell("imap_unordered", lambda: list(pool.imap_unordered(boom, [1])))
        tell("unpicklable task", pool.apply, same, (Odd(),))
        tell("unpicklable result", pool.apply, unpicklable)
        tell("result too late", pool.apply_async(time.sleep, (0.3,)).get, 0.01)
        tell("chunks of nothing", lambda: list(pool.imap(same, [1], chunksize=0)))
        tell("map None", pool.map, same, None)
        tell("not ready", pool.apply_async(time.sleep, (0.3,)).successful)
        tell("send a pool", lambda: mp.reduction.ForkingPickler.dumps(pool))
        tell("join a running one", pool.join)
    tell("map closed", pool.map, same, [1])
    tell("no processes", ctx.Pool, 0)
    tell("initializer that is none", ctx.Pool, 1, 5)


def executors(ctx):
    executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=ctx)
    tell("result", executor.submit(boom).result)
    tell("results", lambda: list(executor.map(boom, [1])))
    tell("unpicklable call", executor.submit(same, Odd()).result)
    tell("unpicklable result", executor.submit(unpicklable).result)
    late = executor.submit(time.sleep, 0.3)
    tell("result too late", late.result, 0.01)
    tell("exception too late", late.exception, 0.01)
    tell("submit nothing", executor.submit)
    executor.shutdown()
    tell("submit after the end", executor.submit, same, 1)
    tell("no workers", concurrent.futures.ProcessPoolExecutor, 0)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=ctx) as executor:
        tell("broken", executor.submit(os._exit, 1).result)
        tell("submit to a broken one", executor.submit, same)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=ctx, initializer=boom) as executor:
        tell("initializer", executor.submit(same, 1).result)


def managers(ctx):
    with ctx.Manager() as manager:
        shared = manager.dict()
        tell("proxy", shared.pop, "x")
        tell("no such method", shared._callmethod, "nope")
        tell("empty", manager.Queue().get, False)
    tell("proxy of a manager that ended", shared.keys)
    tell("manager that ended", manager.dict)
    tell("value of no type", ctx.Value, "z", 1)
    tell("array of less than nothing", ctx.Array, "i", -1)


def system():
    tell("kill nobody", os.kill, 2**30, 9)
    tell("kill with one", os.kill, 1)
    tell("kill text", os.kill, "x", 9)
    tell("kill no group", os.killpg, 2**30, 9)
    tell("execute nothing", os.execv, "/nonexistent", ["x"])
    tell("execute without a name", os.execv, "/nonexistent", [])
    tell("execute with environment", os.execve, "/nonexistent", ["x"], {})
    tell("search and execute", os.execvp, "nonexistent-program", ["x"])
    tell("spawn nothing", os.posix_spawn, "/nonexistent", ["x"], {})
    tell("handler for SIGKILL", signal.signal, 9, signal.SIG_DFL)
    tell("handler for no signal", signal.signal, 999, signal.SIG_DFL)
    tell("handler that is none", signal.signal, 15, 5)
    tell("no program", subprocess.Popen, ["/nonexistent"])
    tell("no such option", subprocess.Popen, ["/bin/true"], bogus=1)
    tell("failed program", subprocess.run, ["/bin/false"], check=True)
    tell("exit with text", os._exit, "x")
    tell("no such segment", mp.shared_memory.SharedMemory, "nonexistent-segment")
    tell("segment of nothing", mp.shared_memory.SharedMemory, None, True, 0)


def threads():
    thread, seen = threading.Thread(target=boom, name="fails"), []
    tell("join thread before start", thread.join)
    threading.excepthook = lambda about: seen.append((about.thread.name, functions(about.exc_traceback)))
    thread.start()
    thread.join()
    tell("start thread twice", thread.start)
    tell("join itself", threading.current_thread().join)
    print(seen)


def main():
    for method in sys.argv[1:]:
        for section in (processes, locks, queues, connections, pools, executors, managers):
            print(method, section.__name__)
            section(mp.get_context(method))
    system()
    threads()


if __name__ == "__main__":
    main()
