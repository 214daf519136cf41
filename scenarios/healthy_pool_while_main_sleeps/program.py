"""A pool idles while the main process sleeps; later it is used again."""

import time
from multiprocessing import Pool

from stage import patience, use_start_method


def double(number):
    return 2 * number


if __name__ == "__main__":
    use_start_method()
    with Pool(4) as pool:
        print(pool.map(double, range(5)))
        time.sleep(patience())
        print(pool.map(double, range(5, 10)))
        pool.close()
        pool.join()
