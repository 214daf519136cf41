"""Only the program itself prepares the table."""

# methods: spawn forkserver

import time
from multiprocessing import Process

from stage import use_start_method


def square(number):
    print(number * number)


if __name__ == "__main__":
    time.sleep(0.8)  # stands for the preparation of a large table
    use_start_method()
    for number in range(4):
        worker = Process(target=square, args=(number,))
        worker.start()
        worker.join()
