"""A pool is used once and left open: its workers stay until the program ends."""

from multiprocessing import Pool

from stage import use_start_method


def square(number):
    return number * number


if __name__ == "__main__":
    use_start_method()
    pool = Pool(2)  # expect: pool-not-closed names=pool
    print(sum(pool.map(square, range(10))))
