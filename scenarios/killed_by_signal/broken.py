"""The janitor kills what it takes for leftovers of the last run; a worker of this run is among them."""

import os
import signal
import time
from multiprocessing import Process

from stage import use_start_method


def encode(seconds):
    time.sleep(seconds)
    print("encoded")


def tidy_up(leftovers):
    for pid in leftovers:
        os.kill(pid, signal.SIGKILL)  # expect: killed-by-signal


if __name__ == "__main__":
    use_start_method()
    encoder = Process(target=encode, args=(2,), name="encoder")
    encoder.start()
    leftovers = [worker.pid for worker in [encoder]]
    janitor = Process(target=tidy_up, args=(leftovers,), name="janitor")
    janitor.start()
    janitor.join()
    encoder.join()
    print("done")
