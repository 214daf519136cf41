"""Threads of a worker hand work over through queue.Queue and a Condition, and wait for long."""

import queue
import threading
import time
from multiprocessing import Process

from stage import patience, use_start_method


def serve(seconds):
    tasks = queue.Queue()
    done = threading.Condition()
    results = []

    def run():
        for task in iter(tasks.get, None):
            time.sleep(seconds)
            with done:
                results.append(task * 2)
                done.notify()

    thread = threading.Thread(target=run)
    thread.start()
    tasks.put(21)
    with done:
        done.wait_for(lambda: results)
    tasks.put(None)
    thread.join()
    print(results)


if __name__ == "__main__":
    use_start_method()
    server = Process(target=serve, args=(patience(),))
    server.start()
    server.join()
