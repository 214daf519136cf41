"""All workers of a pool wait for the parent, which sets the table up slowly; more tasks are queued behind them."""

import time
from multiprocessing import Event, Pool

from stage import patience, use_start_method


def set_up(event):
    global table_loaded
    table_loaded = event


def look_up(word):
    table_loaded.wait()
    return word.upper()


if __name__ == "__main__":
    use_start_method()
    loaded = Event()
    with Pool(2, initializer=set_up, initargs=(loaded,)) as pool:
        words = [pool.apply_async(look_up, (word,)) for word in ("one", "two", "three", "four")]
        time.sleep(patience())
        loaded.set()
        print([word.get() for word in words])
