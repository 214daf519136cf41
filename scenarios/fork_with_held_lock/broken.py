"""A process is forked while a thread of the parent holds a lock: the child's copy of it is never released."""

# hangs: yes
# methods: fork

import threading
import time
from multiprocessing import Process

from stage import use_start_method

cache_lock = threading.Lock()
filling = threading.Event()


def fill_cache():
    with cache_lock:  # expect: fork-with-held-lock holder
        filling.set()
        time.sleep(0.5)


def read_cache():
    with cache_lock:  # expect: fork-with-held-lock waiter
        print("read")


if __name__ == "__main__":
    use_start_method()
    reader = Process(target=read_cache, name="reader")
    threading.Thread(target=fill_cache, name="filler").start()
    filling.wait()
    reader.start()
    reader.join()
