"""Both workers of a pool wait for a table that a third task is to load, which is queued behind them."""

# hangs: yes

from multiprocessing import Event, Pool

from stage import use_start_method


def set_up(event):
    global table_loaded
    table_loaded = event


def look_up(word):
    table_loaded.wait()  # expect: pool-exhausted waiter
    return word.upper()


def load_table():
    table_loaded.set()
    return "loaded"


if __name__ == "__main__":
    use_start_method()
    with Pool(2, initializer=set_up, initargs=(Event(),)) as pool:
        words = [pool.apply_async(look_up, (word,)) for word in ("one", "two", "three")]
        table = pool.apply_async(load_table)
        print(table.get())
        print([word.get() for word in words])
