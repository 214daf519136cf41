"""A janitor kills what it takes for a leftover of the last run: the forkserver, which alone knows how the encoder ends."""

# methods: forkserver

import os
import signal
from multiprocessing import Event, Process, parent_process

from stage import use_start_method


def encode(started, may_end):
    started.set()
    may_end.wait()
    print("encoded")


def tidy_up():
    leftover = os.getppid()
    if parent_process().pid != leftover:
        os.kill(leftover, signal.SIGKILL)  # expect: forkserver-died names=encoder


if __name__ == "__main__":
    use_start_method()
    started, may_end = Event(), Event()
    encoder = Process(target=encode, args=(started, may_end), name="encoder")
    encoder.start()
    started.wait()
    janitor = Process(target=tidy_up, name="janitor")
    janitor.start()
    janitor.join()
    encoder.join()
    print("encoder ended with", encoder.exitcode)
    may_end.set()
