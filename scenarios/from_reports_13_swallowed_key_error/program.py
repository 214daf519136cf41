"""After a public report: a callback looks a result up in a dict and does not find it; get() of that result never returns.

The pool's result thread takes the KeyError for one of its own, and prints nothing.
"""

# hangs: yes

from multiprocessing import Pool

from stage import use_start_method

SEATS = {1: "aisle", 2: "window"}


def reserve(number):
    return number


def announce(number):
    print(number, SEATS[number], flush=True)  # expect: helper-thread-died


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        for number in (1, 3, 2):
            pool.apply_async(reserve, (number,), callback=announce).get()  # expect: helper-thread-died waiter
