"""A worker that is in the middle of something leaves SIGTERM as it is."""

import time
from multiprocessing import Event, Process

from stage import use_start_method


def work(begun):
    begun.set()
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    use_start_method()
    begun = Event()
    worker = Process(target=work, args=(begun,), name="worker")
    worker.start()
    begun.wait()
    worker.terminate()
    worker.join()
    print("worker stopped")
