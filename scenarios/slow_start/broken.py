"""The script prepares a table whenever it is imported, and every child imports it, one after the other."""

# methods: spawn forkserver

import time
from multiprocessing import Process

from stage import use_start_method

time.sleep(0.8)  # stands for the preparation of a large table


def square(number):
    print(number * number)


if __name__ == "__main__":
    use_start_method()
    for number in range(4):
        worker = Process(target=square, args=(number,))
        worker.start()  # expect: slow-start
        worker.join()
