"""A worker loops on get() with a timeout and ends on a sentinel."""

import queue
from multiprocessing import Process, Queue

from stage import use_start_method


def work(tasks):
    while True:
        try:
            task = tasks.get(timeout=1)
        except queue.Empty:
            continue
        if task is None:
            break
        print("task", task)


if __name__ == "__main__":
    use_start_method()
    tasks = Queue()
    worker = Process(target=work, args=(tasks,))
    worker.start()
    for task in range(5):
        tasks.put(task)
    tasks.put(None)
    worker.join()
