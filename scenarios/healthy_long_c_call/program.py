"""A worker computes in C for seconds, without letting go of the interpreter, while others wait for it."""

import re
import time
from multiprocessing import Pipe, Process

from stage import patience, use_start_method


def validate(connection, seconds):
    until = time.monotonic() + seconds
    length = 18
    while time.monotonic() < until:
        began = time.monotonic()
        re.match("(a+)+$", "a" * length + "!")
        length += time.monotonic() - began < 0.7
    connection.send("no match")


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    worker = Process(target=validate, args=(there, patience()))
    worker.start()
    print(here.recv())
    worker.join()
