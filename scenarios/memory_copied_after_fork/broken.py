"""Three forked children walk through a large list of their parent, and each gets a copy of it by that."""

# methods: fork

import time
from multiprocessing import Process

from stage import use_start_method


def walk(numbers):
    for _ in range(2):
        sum(numbers)
    time.sleep(3)  # stands for other work


if __name__ == "__main__":
    use_start_method()
    numbers = [float(number) for number in range(4_000_000)]
    children = [Process(target=walk, args=(numbers,)) for _ in range(3)]
    for child in children:
        child.start()  # expect: memory-copied-after-fork verdict=likely
    for child in children:
        child.join()
