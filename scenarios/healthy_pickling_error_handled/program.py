"""What cannot be pickled is noticed and done without."""

import pickle
import threading
from multiprocessing import Pipe, Pool

from stage import use_start_method


def describe(value):
    return type(value).__name__


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    with Pool(2) as pool:
        for value in (1, threading.Lock(), "text", lambda: 0):
            try:
                print(pool.apply(describe, (value,)))
            except (TypeError, AttributeError, pickle.PicklingError):
                print("kept here")
    try:
        here.send(threading.Lock())
    except TypeError:
        here.send("no lock")
    print(there.recv())
