"""Processes are forked before there are threads."""

# methods: fork

import threading
import time
from multiprocessing import Process

from stage import use_start_method

cache_lock = threading.Lock()
filling = threading.Event()


def fill_cache():
    with cache_lock:
        filling.set()
        time.sleep(0.5)


def read_cache():
    with cache_lock:
        print("read")


if __name__ == "__main__":
    use_start_method()
    reader = Process(target=read_cache, name="reader")
    reader.start()
    threading.Thread(target=fill_cache, name="filler").start()
    filling.wait()
    reader.join()
