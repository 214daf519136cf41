"""Each worker seeds a random generator of its own."""

# methods: fork

import random
from multiprocessing import Process, Queue

from stage import use_start_method


def simulate(seed, results):
    generator = random.Random(seed)
    results.put([generator.random() for _ in range(3)])


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    workers = [Process(target=simulate, args=(seed, results)) for seed in range(2)]
    for worker in workers:
        worker.start()
    first, second = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    print(first != second)
