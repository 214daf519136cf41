"""Threads of the main process each wait for a process of their own."""

import time
from concurrent.futures import ThreadPoolExecutor

from stage import context, patience


def nap(seconds):
    time.sleep(seconds)


def run(seconds):
    process = context().Process(target=nap, args=(seconds,))
    process.start()
    process.join()
    return process.exitcode


if __name__ == "__main__":
    with ThreadPoolExecutor(3) as threads:
        print(list(threads.map(run, [0.1, patience() / 2, patience()])))
