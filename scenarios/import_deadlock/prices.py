"""A module that computes its table with a pool while it is being imported."""

from concurrent.futures import ProcessPoolExecutor

from stage import context


def price(weight):
    return weight * 3


with ProcessPoolExecutor(1, mp_context=context()) as executor:
    TABLE = list(executor.map(price, range(5)))
