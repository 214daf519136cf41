"""Three forked children walk through a large array of their parent, in which there are numbers and no objects."""

# methods: fork

import time
from array import array
from multiprocessing import Process

from stage import use_start_method


def walk(numbers):
    for _ in range(2):
        sum(numbers)
    time.sleep(3)  # stands for other work


if __name__ == "__main__":
    use_start_method()
    numbers = array("d", range(16_000_000))
    children = [Process(target=walk, args=(numbers,)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
