"""The longest item is the last one, and it is handed out together with others."""

import time
from multiprocessing import Pool

from stage import use_start_method


def work(seconds):
    time.sleep(seconds)  # stands for a computation that takes so long
    return seconds


if __name__ == "__main__":
    use_start_method()
    items = [0.1] * 30 + [2.0, 2.1]
    with Pool(4) as pool:
        print(sum(pool.map(work, items)))  # expect: uneven-work
