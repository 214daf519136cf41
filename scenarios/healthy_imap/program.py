"""Results of imap() are used one at a time, slower than they come."""

import time
from multiprocessing import Pool

from stage import patience, use_start_method


def letter(number):
    return chr(ord("a") + number)


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for found in pool.imap(letter, range(10), chunksize=3):
            time.sleep(patience() / 10)
            print(found)
