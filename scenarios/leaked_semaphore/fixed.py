"""The program leaves by sys.exit: its exit handlers remove the semaphores of its lock."""

# methods: spawn forkserver

import sys
from multiprocessing import Lock, Process

from stage import use_start_method

def greet(printing, name):
    with printing:
        print("hello,", name)

if __name__ == "__main__":
    use_start_method()
    printing = Lock()
    greeter = Process(target=greet, args=(printing, "ada"))
    greeter.start()
    greeter.join()
    sys.exit(0)
