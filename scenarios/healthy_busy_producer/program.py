"""A consumer waits while the only producer computes without a pause, in C and with the GIL held."""

import time
from multiprocessing import Process, Queue

from stage import patience, use_start_method


def factor(results, seconds):
    until = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < until:
        pow(3, 200_000)
        rounds += 1
    results.put(rounds > 0)


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    worker = Process(target=factor, args=(results, patience()))
    worker.start()
    print(results.get())
    worker.join()
