"""A pool idles until somebody types a line."""

import sys
from multiprocessing import Pool

from stage import use_start_method

if __name__ == "__main__":
    use_start_method()
    with Pool(3) as pool:
        print(pool.map(abs, [-1, 2, -3]))
        line = sys.stdin.readline()
        print(pool.apply(len, (line,)))
