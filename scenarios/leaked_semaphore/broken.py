"""The program leaves by os._exit, so nobody removes the semaphores of its lock."""

# methods: spawn forkserver

import os
import sys
from multiprocessing import Lock, Process

from stage import use_start_method


def greet(printing, name):
    with printing:
        print("hello,", name)


if __name__ == "__main__":
    use_start_method()
    printing = Lock()  # expect: leaked-semaphore verdict=likely names=printing
    greeter = Process(target=greet, args=(printing, "ada"))
    greeter.start()
    greeter.join()
    sys.stdout.flush()
    os._exit(0)
