"""A daemon watches for as long as the program runs, and is not missed when it ends."""

import time
from multiprocessing import Process, Queue

from stage import patience, use_start_method


def watch(messages):
    while True:
        messages.get()


if __name__ == "__main__":
    use_start_method()
    messages = Queue()
    watcher = Process(target=watch, args=(messages,), daemon=True)
    watcher.start()
    messages.put("started")
    time.sleep(patience())
    print("the end")
