"""Two contexts side by side, a queue of one of them, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

import multiprocessing

from stage import context


def greet(letters, name):
    letters.put(f"hello {name}")


if __name__ == "__main__":
    chosen, spawning = context(), multiprocessing.get_context("spawn")
    for each in (chosen, spawning):
        letters = each.Queue()
        writer = each.Process(target=greet, args=(letters, "bob"))
        writer.start()
        print(letters.get())
        writer.join()
