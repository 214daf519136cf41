"""A task of a pool makes a pool: the workers of a pool are daemons and may not have children."""

# exit: 1

from multiprocessing import Pool

from stage import use_start_method


def square(number):
    return number * number


def sum_of_squares(count):
    with Pool(2) as pool:  # expect: nested-daemon
        return sum(pool.map(square, range(count)))


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        print(pool.map(sum_of_squares, [3, 5]))
