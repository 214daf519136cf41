"""The task that others wait for goes into the pool before them."""

from multiprocessing import Event, Pool

from stage import use_start_method


def set_up(event):
    global table_loaded
    table_loaded = event


def look_up(word):
    table_loaded.wait()
    return word.upper()


def load_table():
    table_loaded.set()
    return "loaded"


if __name__ == "__main__":
    use_start_method()
    with Pool(2, initializer=set_up, initargs=(Event(),)) as pool:
        table = pool.apply_async(load_table)
        words = [pool.apply_async(look_up, (word,)) for word in ("one", "two", "three")]
        print(table.get())
        print([word.get() for word in words])
