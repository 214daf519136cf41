"""Large numbers tested for being prime in a ProcessPoolExecutor, after the documentation of concurrent.futures.

https://docs.python.org/3/library/concurrent.futures.html#processpoolexecutor-example
"""

import concurrent.futures
import math

from stage import context

NUMBERS = [1122725350973, 1125827059429, 1152800951911, 1157978480773, 10997268992863]


def is_prime(number):
    if number < 2 or number % 2 == 0:
        return number == 2
    return all(number % divisor for divisor in range(3, 1 + math.isqrt(number), 2))


if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(mp_context=context()) as executor:
        for number, prime in zip(NUMBERS, executor.map(is_prime, NUMBERS)):
            print(f"{number} is prime: {prime}")
