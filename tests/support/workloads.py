"""The programs that `bench` times: ``python workloads.py NAME SIZE``; size 0 does everything but the repeated thing."""

import multiprocessing as mp
import sys


def _consume(queue, count):
    for _ in range(count):
        queue.get()


def queue(ctx, size):
    """Small items through a Queue, from one process to another."""
    items = ctx.Queue()
    child = ctx.Process(target=_consume, args=(items, size + 1))
    child.start()
    for number in range(size + 1):
        items.put(number)
    child.join()


def _echo(connection, count):
    for _ in range(count):
        connection.send(connection.recv())


def pipe(ctx, size):
    """Round trips over a Pipe."""
    mine, theirs = ctx.Pipe()
    child = ctx.Process(target=_echo, args=(theirs, size + 1))
    child.start()
    for number in range(size + 1):
        mine.send(number)
        mine.recv()
    child.join()


def _nothing(number):
    return number


def _millisecond(number):
    for _ in range(25_000):
        number += 1
    return number


def pool(ctx, size):
    """Trivial tasks, one a message."""
    with ctx.Pool(2) as workers:
        workers.map(_nothing, range(size + 2), chunksize=1)


def pool_1ms(ctx, size):
    """Tasks of about a millisecond."""
    with ctx.Pool(2) as workers:
        workers.map(_millisecond, range(size + 2), chunksize=1)


def executor(ctx, size):
    """Trivial tasks through a ProcessPoolExecutor."""
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2, mp_context=ctx) as workers:
        list(workers.map(_nothing, range(size + 2)))


def lock(ctx, size):
    """``acquire()`` and ``release()`` of a lock that nobody else wants."""
    mutex = ctx.Lock()
    acquire, release = mutex.acquire, mutex.release
    for _ in range(size):
        acquire()
        release()


def with_lock(ctx, size):
    """``with lock:`` around the shortest useful body: one shared counter goes up."""
    value = ctx.Value("i", 0, lock=False)
    mutex = ctx.Lock()
    for _ in range(size):
        with mutex:
            value.value += 1


def bare_with(ctx, size):
    """``with lock: pass``."""
    mutex = ctx.Lock()
    for _ in range(size):
        with mutex:
            pass


def fork(_ctx, size):
    """Start and join a forked process."""
    _starts(mp.get_context("fork"), size)


def spawn(_ctx, size):
    """Start and join a spawned process."""
    _starts(mp.get_context("spawn"), size)


def _starts(ctx, size):
    for number in range(size + 1):
        child = ctx.Process(target=_nothing, args=(number,))
        child.start()
        child.join()


WORKLOADS = {f.__name__: f for f in (queue, pipe, pool, pool_1ms, executor, lock, with_lock, bare_with, fork, spawn)}

if __name__ == "__main__":
    WORKLOADS[sys.argv[1]](mp.get_context("fork"), int(sys.argv[2]))
