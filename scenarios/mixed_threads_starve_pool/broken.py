"""A task resizes its pictures in two threads, which lock each other out; its worker never comes back, and map() waits for it."""

# hangs: yes
# root: lock-cycle

import threading
from concurrent.futures import ThreadPoolExecutor

from stage import context, meet

palette = threading.Lock()
canvas = threading.Lock()


def draw(both):
    with canvas:  # expect: lock-cycle holder names=palette,canvas
        meet(both)
        with palette:  # expect: lock-cycle waiter
            return "drawn"


def mix(both):
    with palette:
        meet(both)
        with canvas:
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
