"""A callback raises, and with it ends the pool's thread that hands out results: no result comes any more."""

# hangs: yes

from multiprocessing import Pool

from stage import use_start_method

FRUIT, PRICES = ["apple", "pear"], [3, 4]


def weigh(fruit):
    return fruit, len(fruit)


def charge(weighed):
    fruit, weight = weighed
    print(fruit, PRICES[FRUIT.index(fruit)] * weight, flush=True)  # expect: helper-thread-died


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for fruit in ("apple", "plum", "pear"):
            pool.apply_async(weigh, (fruit,), callback=charge).get()  # expect: helper-thread-died waiter
