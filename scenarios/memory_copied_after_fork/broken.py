"""Three forked children walk through a large list of their parent, and each gets a copy of it by that."""

# methods: fork

import time
from multiprocessing import Process

from stage import use_start_method


def walk(numbers):
    until = time.monotonic() + 3
    while time.monotonic() < until:
        sum(numbers)
        time.sleep(0.2)


if __name__ == "__main__":
    use_start_method()
    numbers = [float(number) for number in range(4_000_000)]
    children = [Process(target=walk, args=(numbers,)) for _ in range(3)]
    for child in children:
        child.start()  # expect: memory-copied-after-fork verdict=likely
    for child in children:
        child.join()
