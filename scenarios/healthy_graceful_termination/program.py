"""A worker that is told to end by SIGTERM finishes what it is doing first, which takes a while."""

import signal
import time
from multiprocessing import Event, Process

from stage import patience, use_start_method


def work(begun):
    told = []
    signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    begun.set()
    while not told:
        time.sleep(0.05)
    time.sleep(patience())
    print("finished")


if __name__ == "__main__":
    use_start_method()
    begun = Event()
    worker = Process(target=work, args=(begun,), name="worker")
    worker.start()
    begun.wait()
    worker.terminate()
    worker.join()
    print(worker.exitcode)
