"""The writer is terminated while it holds the lock of the log; the lock stays taken for ever."""

# hangs: yes

import time
from multiprocessing import Event, Lock, Process

from stage import use_start_method


def write(log_lock, begun, stop):
    with log_lock:  # expect: lock-holder-died holder
        begun.set()
        while not stop.is_set():
            time.sleep(0.05)


if __name__ == "__main__":
    use_start_method()
    log_lock = Lock()
    begun, stop = Event(), Event()
    writer = Process(target=write, args=(log_lock, begun, stop), name="writer")
    writer.start()
    begun.wait()
    writer.terminate()
    writer.join()
    with log_lock:  # expect: lock-holder-died waiter
        print("log rotated")
