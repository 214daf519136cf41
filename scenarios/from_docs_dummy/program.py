"""Threads behind the names of processes, after multiprocessing.dummy's documentation.

https://docs.python.org/3/library/multiprocessing.html#module-multiprocessing.dummy
"""

from multiprocessing.dummy import Lock, Pool, Process, Queue
from multiprocessing.pool import ThreadPool

lock, letters = Lock(), Queue()


def square(number):
    with lock:
        letters.put(number)
    return number * number


if __name__ == "__main__":
    worker = Process(target=square, args=(3,))
    worker.start()
    worker.join()
    with Pool(3) as pool, ThreadPool(2) as others:
        print(pool.map(square, range(5)), others.apply_async(square, (9,)).get(timeout=30), letters.get())
