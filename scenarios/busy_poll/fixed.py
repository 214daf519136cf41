"""The parent waits for the result."""

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
    print(results.get())
    worker.join()
