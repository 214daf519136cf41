"""A process is forked while a C library works in a thread: the child's copy of the library's lock is never released."""

# hangs: yes
# methods: fork

import ctypes
import threading
from multiprocessing import Process

from stage import use_start_method

library = ctypes.CDLL(None)
library_lock = ctypes.create_string_buffer(64)
working = threading.Event()


def transform():
    library.pthread_mutex_lock(library_lock)  # expect: native-lock-after-fork waiter names=pthread_mutex_lock,libc
    working.set()
    library.usleep(500_000)
    library.pthread_mutex_unlock(library_lock)


if __name__ == "__main__":
    use_start_method()
    worker = Process(target=transform, name="worker")
    threading.Thread(target=transform, name="background").start()
    working.wait()
    worker.start()
    worker.join()
