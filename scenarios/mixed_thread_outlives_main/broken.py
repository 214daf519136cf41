"""A child starts a thread that prints what comes through a queue, gives it its last line, and is done; the thread is not."""

# hangs: yes
# root: exit-hang

import queue
import threading
from multiprocessing import Process

from stage import use_start_method


def show(lines):
    for line in iter(lines.get, None):  # expect: exit-hang waiter names=printer,get
        print(line, flush=True)


def serve():
    lines = queue.Queue()
    threading.Thread(target=show, args=(lines,), name="printer").start()
    lines.put("served")


if __name__ == "__main__":
    use_start_method()
    server = Process(target=serve, name="server")
    server.start()
    server.join()
