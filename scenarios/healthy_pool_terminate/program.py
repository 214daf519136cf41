"""A pool is terminated when the first answer is there; the others are not wanted."""

import time
from multiprocessing import Pool

from stage import use_start_method


def search(seconds):
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    use_start_method()
    pool = Pool(3)
    print(next(pool.imap_unordered(search, [20, 0.2, 20])))
    pool.terminate()
    pool.join()
