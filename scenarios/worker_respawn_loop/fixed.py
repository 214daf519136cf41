"""Workers import the script, and find the function of their tasks in its body."""

# methods: spawn forkserver

from multiprocessing import Pool

from stage import use_start_method


def double(number):
    return 2 * number


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        print(pool.map(double, range(100), chunksize=1))
