"""Pools inside processes that are not daemons."""

import time
from multiprocessing import Pool, Process, Queue

from stage import patience, use_start_method


def cube(number):
    return number**3


def department(numbers, totals):
    with Pool(2) as pool:
        total = sum(pool.map(cube, numbers))
        time.sleep(patience())
    totals.put(total)


if __name__ == "__main__":
    use_start_method()
    totals = Queue()
    departments = [Process(target=department, args=(range(n), totals)) for n in (5, 7)]
    for process in departments:
        process.start()
    print(sorted(totals.get() for _ in departments))
    for process in departments:
        process.join()
