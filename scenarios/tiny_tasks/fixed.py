"""The numbers go to the workers in heaps of a thousand."""

from concurrent.futures import ProcessPoolExecutor

from stage import context


def square(number):
    return number * number


if __name__ == "__main__":
    with ProcessPoolExecutor(2, context()) as executor:
        print(sum(executor.map(square, range(60_000), chunksize=1000)))
