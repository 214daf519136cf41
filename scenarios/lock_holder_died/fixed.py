"""The writer is asked to stop, and lets go of the lock of the log before it ends."""

import time
from multiprocessing import Event, Lock, Process

from stage import use_start_method


def write(log_lock, begun, stop):
    with log_lock:
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
    stop.set()
    writer.join()
    with log_lock:
        print("log rotated")
