"""A task of an executor makes a pool: the workers of an executor may have children."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool

from stage import context, use_start_method


def square(number):
    return number * number


def sum_of_squares(count):
    with Pool(2) as pool:
        return sum(pool.map(square, range(count)))


if __name__ == "__main__":
    use_start_method()
    with ProcessPoolExecutor(2, mp_context=context()) as executor:
        print(list(executor.map(sum_of_squares, [3, 5])))
