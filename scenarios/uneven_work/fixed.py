"""The longest items are handed out first, one by one."""

import time
from multiprocessing import Pool

from stage import use_start_method


def work(seconds):
    time.sleep(seconds)  # stands for a computation that takes so long
    return seconds


if __name__ == "__main__":
    use_start_method()
    items = sorted([0.1] * 30 + [2.0, 2.1], reverse=True)
    with Pool(4) as pool:
        print(sum(pool.map(work, items, chunksize=1)))
