"""There are as many workers as cores."""

import os
from multiprocessing import Pool

from stage import use_start_method


def compute(rounds):
    return sum(number * number % 7 for number in range(rounds))


if __name__ == "__main__":
    use_start_method()
    cores = len(os.sched_getaffinity(0))
    with Pool(cores) as pool:
        print(sum(pool.map(compute, [1_000_000] * (72 * cores), chunksize=1)))
