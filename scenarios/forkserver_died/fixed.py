"""The janitor leaves alone what it does not know: the encoder's end is told as it was."""

# methods: forkserver

import os
from multiprocessing import Event, Process, parent_process

from stage import use_start_method


def encode(started, may_end):
    started.set()
    may_end.wait()
    print("encoded")


def tidy_up():
    leftover = os.getppid()
    if parent_process().pid != leftover:
        print("left alone: no process of ours")


if __name__ == "__main__":
    use_start_method()
    started, may_end = Event(), Event()
    encoder = Process(target=encode, args=(started, may_end), name="encoder")
    encoder.start()
    started.wait()
    janitor = Process(target=tidy_up, name="janitor")
    janitor.start()
    janitor.join()
    may_end.set()
    encoder.join()
    print("encoder ended with", encoder.exitcode)
