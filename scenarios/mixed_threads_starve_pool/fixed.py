"""A task resizes its pictures in two threads that take the locks in one order."""

import threading
from concurrent.futures import ThreadPoolExecutor

from stage import context, meet

palette = threading.Lock()
canvas = threading.Lock()

def draw(both):
    with canvas:
        meet(both)
        with palette:
            return "drawn"

def mix(both):
    with canvas:
        meet(both)
        with palette:
            return "mixed"

def resize(number):
    if number != 2:
        return "copied"
    both = threading.Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(draw, both), threads.submit(mix, both)]
        return [job.result() for job in jobs]

if __name__ == "__main__":
    with context().Pool(2) as pool:
        print(pool.map(resize, range(4), chunksize=1))
