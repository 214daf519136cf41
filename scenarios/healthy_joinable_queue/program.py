"""A JoinableQueue whose consumers say task_done() for every item; they are daemons and end with the program."""

import time
from multiprocessing import JoinableQueue, Process

from stage import patience, use_start_method


def consume(tasks):
    while True:
        seconds = tasks.get()
        try:
            time.sleep(seconds)
        finally:
            tasks.task_done()


if __name__ == "__main__":
    use_start_method()
    tasks = JoinableQueue()
    for _ in range(2):
        Process(target=consume, args=(tasks,), daemon=True).start()
    for _ in range(6):
        tasks.put(patience() / 3)
    tasks.join()
    print("all done")
