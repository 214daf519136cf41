"""A child, forked while a thread runs, waits on an Event of its own until a signal's handler sets it."""

import os
import signal
import threading
import time
from multiprocessing import Event, Process

from stage import patience, use_start_method


def serve(ready):
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    ready.set()
    stop.wait()
    print("stopped")


if __name__ == "__main__":
    use_start_method()
    ready = Event()
    server = Process(target=serve, args=(ready,), name="server")
    timer = threading.Thread(target=time.sleep, args=(patience() + 1,))
    timer.start()
    server.start()
    ready.wait()
    time.sleep(patience())
    os.kill(server.pid, signal.SIGINT)
    server.join()
    timer.join()
