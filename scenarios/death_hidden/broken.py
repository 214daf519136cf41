"""A worker starts a helper and dies; the helper lives on with a copy of the worker's pipe, so the executor never knows."""

# hangs: yes
# methods: fork spawn
# root: hard-exit

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from stage import use_start_method


def watch():
    while True:
        time.sleep(1)


def convert(path):
    helper = get_context("fork").Process(target=watch, name="helper")
    helper.start()  # expect: death-hidden names=helper
    os._exit(3)


if __name__ == "__main__":
    use_start_method()
    with ProcessPoolExecutor(1) as executor:
        print(executor.submit(convert, "a.png").result())
