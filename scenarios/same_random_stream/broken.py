"""Forked workers draw from a random generator that each inherited in the same state: all draw the same."""

# methods: fork

import random
from multiprocessing import Process, Queue

from stage import use_start_method

generator = random.Random(7)


def simulate(results):
    results.put([generator.random() for _ in range(3)])  # expect: same-random-stream verdict=likely


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    workers = [Process(target=simulate, args=(results,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    first, second = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    print(first != second)
