"""The parent asks without end whether the result is there."""

import time
from multiprocessing import Process, Queue

from stage import use_start_method


def work(results):
    time.sleep(5)  # stands for a computation that takes so long
    results.put(42)


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    worker = Process(target=work, args=(results,))
    worker.start()
    while results.empty():  # expect: busy-poll
        pass
    print(results.get())
    worker.join()
