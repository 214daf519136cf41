"""The janitor kills leftovers of the last run, and no worker of this one."""

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
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    use_start_method()
    encoder = Process(target=encode, args=(2,), name="encoder")
    encoder.start()
    leftovers = [worker.pid for worker in [encoder] if not worker.is_alive()]
    janitor = Process(target=tidy_up, args=(leftovers,), name="janitor")
    janitor.start()
    janitor.join()
    encoder.join()
    print("done")
