"""A ProcessPoolExecutor that idles for a while between two batches."""

import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from stage import context, patience


def square(number):
    return number * number


if __name__ == "__main__":
    with ProcessPoolExecutor(3, mp_context=context()) as executor:
        print(list(executor.map(square, range(10), chunksize=2)))
        time.sleep(patience())
        futures = [executor.submit(square, number) for number in range(5)]
        print(sorted(future.result() for future in as_completed(futures)))
