"""The worker stops its helper, and returns."""

# methods: fork spawn

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from stage import use_start_method


def watch():
    while True:
        time.sleep(1)


def convert(path):
    helper = get_context("fork").Process(target=watch, name="helper")
    helper.start()
    helper.terminate()
    helper.join()
    return path


if __name__ == "__main__":
    use_start_method()
    with ProcessPoolExecutor(1) as executor:
        print(executor.submit(convert, "a.png").result())
