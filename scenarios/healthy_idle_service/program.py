"""A service has done all its work: its pool, its queue's workers and its threads wait for more, and its main thread for the end."""

import queue
import threading
from multiprocessing import Process, Queue

from stage import context, patience, use_start_method


def square(number):
    return number * number


def consume(tasks):
    for task in iter(tasks.get, None):
        print("consumed", task, flush=True)


def log(lines):
    for line in iter(lines.get, None):
        print("logged", line, flush=True)


if __name__ == "__main__":
    use_start_method()
    end, lines, tasks = threading.Event(), queue.Queue(), Queue()
    logger = threading.Thread(target=log, args=(lines,))
    logger.start()
    consumer = Process(target=consume, args=(tasks,))
    consumer.start()
    with context().Pool(2) as pool:
        lines.put(pool.map(square, range(4)))
        tasks.put("first")
        threading.Timer(patience(), end.set).start()
        end.wait()
    lines.put(None)
    tasks.put(None)
    consumer.join()
    logger.join()
