"""Workers with loggers, caches, sessions and settings of their own: each process is meant to have its copy."""

import decimal
import functools
import logging
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool, Process

from stage import use_start_method

log = logging.getLogger(__name__)
squares_cache = {}
session = None
collected = []


@functools.lru_cache(maxsize=None)
def cube(number):
    return number**3


def connected():
    global session
    if session is None:
        session = object()
    return session


def work(number):
    log.setLevel(logging.INFO)
    warnings.filterwarnings("ignore")
    decimal.getcontext().prec = 10 + number
    squares_cache[number] = number * number
    collected.append(number)
    return squares_cache[number] + cube(number) + (connected() is None)


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        collected.extend(pool.map(work, range(6)))
    with ProcessPoolExecutor(2) as executor:
        collected.extend(executor.map(work, range(6)))
    child = Process(target=work, args=(3,))
    child.start()
    child.join()
    print(collected, len(squares_cache), log.level, cube.cache_info().currsize, connected() is session)
