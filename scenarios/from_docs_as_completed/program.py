"""Futures of several tasks read as they complete, with callbacks, one of them cancelled and one failing.

https://docs.python.org/3/library/concurrent.futures.html
"""

import concurrent.futures
import time

from stage import context


def load(url, seconds):
    time.sleep(seconds)
    if "missing" in url:
        raise FileNotFoundError(url)
    return len(url)


def count(future):
    if not future.cancelled():
        finished.append(future)


finished = []

if __name__ == "__main__":
    urls = {"a.example": 0.2, "missing.example": 0.0, "long.example/path": 0.4}
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context()) as executor:
        futures = {executor.submit(load, url, seconds): url for url, seconds in urls.items()}
        for future in futures:
            future.add_done_callback(count)
        for future in concurrent.futures.as_completed(futures):
            try:
                print(futures[future], future.result())
            except FileNotFoundError as error:
                print("no such page:", error)
        try:
            executor.submit(load, "slow.example", 0.3).result(timeout=0.05)
        except concurrent.futures.TimeoutError:
            print("too slow")
    print(len(finished))
