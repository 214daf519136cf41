"""The plain example of Pool.map."""

from multiprocessing import Pool

from stage import use_start_method


def square(number):
    return number * number


if __name__ == "__main__":
    use_start_method()
    with Pool(3) as pool:
        print(pool.map(square, [1, 2, 3]))
