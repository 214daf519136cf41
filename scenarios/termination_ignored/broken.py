"""A worker ignores SIGTERM, so that Ctrl-C and service managers do not disturb it; terminate() does not, either."""

# hangs: yes

import signal
import time
from multiprocessing import Event, Process

from stage import use_start_method


def work(begun):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    begun.set()
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    use_start_method()
    begun = Event()
    worker = Process(target=work, args=(begun,), name="worker")
    worker.start()
    begun.wait()
    worker.terminate()
    worker.join()  # expect: termination-ignored waiter verdict=likely
    print("worker stopped")
