"""A worker is terminated while it sits in get() of a queue: its lock is lost, and this time nobody needs it."""

import time
from multiprocessing import Process, Queue

from stage import use_start_method


def work(jobs, results):
    while True:
        results.put(jobs.get() * 2)


if __name__ == "__main__":
    use_start_method()
    jobs, results = Queue(), Queue()
    worker = Process(target=work, args=(jobs, results), name="worker")
    worker.start()
    jobs.put(21)
    print(results.get())
    time.sleep(0.3)
    worker.terminate()  # expect: unsafe-terminate verdict=possible
    worker.join()
    jobs.put(22)
    time.sleep(0.3)
