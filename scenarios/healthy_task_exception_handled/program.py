"""Tasks of a pool and of an executor fail, and who asked for them deals with it."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool

from stage import context, use_start_method


def invert(number):
    return 1 / number


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for result in [pool.apply_async(invert, (number,)) for number in (1, 0, 2)]:
            try:
                print(result.get())
            except ZeroDivisionError as error:
                print(error)
    with ProcessPoolExecutor(2, mp_context=context()) as executor:
        for future in [executor.submit(invert, number) for number in (4, 0)]:
            print(repr(future.exception()))
