"""A callback deals with what it does not know."""

from multiprocessing import Pool

from stage import use_start_method

FRUIT, PRICES = ["apple", "pear"], [3, 4]


def weigh(fruit):
    return fruit, len(fruit)


def charge(weighed):
    fruit, weight = weighed
    price = PRICES[FRUIT.index(fruit)] if fruit in FRUIT else 5
    print(fruit, price * weight, flush=True)


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for fruit in ("apple", "plum", "pear"):
            pool.apply_async(weigh, (fruit,), callback=charge).get()
