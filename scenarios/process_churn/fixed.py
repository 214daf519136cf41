"""Two workers take one number after the other."""

from multiprocessing import Pool

from stage import use_start_method


def square(number):
    return number * number


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        print(sum(pool.map(square, range(32))))
