"""All ways of giving work to a pool, after the first and the last example of multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#using-a-pool-of-workers
"""

import multiprocessing
import operator
import random
import time

from stage import use_start_method


def calculate(function, arguments):
    time.sleep(0.05 * random.random())
    return f"{function.__name__}{arguments} = {function(*arguments)}"


def calculate_star(task):
    return calculate(*task)


def reciprocal(number):
    return 1.0 / (number - 5.0)


if __name__ == "__main__":
    use_start_method()
    with multiprocessing.Pool(4) as pool:
        tasks = [(operator.mul, (n, 7)) for n in range(8)] + [(operator.add, (n, 8)) for n in range(8)]
        handles = [pool.apply_async(calculate, task) for task in tasks]
        in_order = pool.imap(calculate_star, tasks)
        any_order = pool.imap_unordered(calculate_star, tasks)
        for handle in handles:
            print(handle.get())
        for line in in_order:
            print(line)
        print(len(sorted(any_order)))
        try:
            print(pool.map(reciprocal, range(10)))
        except ZeroDivisionError:
            print("map: division by zero, as expected")
        numbers = pool.imap(reciprocal, range(10))
        for _ in range(10):
            try:
                next(numbers)
            except ZeroDivisionError:
                print("imap: division by zero, as expected")
        late = pool.apply_async(time.sleep, (0.3,))
        try:
            late.get(timeout=0.05)
        except multiprocessing.TimeoutError:
            print("not yet")
        late.wait()
        print(late.successful())
        pool.close()
        pool.join()
