"""Processes are forked before there are threads."""

# methods: fork

import threading
from multiprocessing import Process

from stage import use_start_method


def beat(stop):
    while not stop.wait(0.05):
        pass


def work():
    print("worked")


if __name__ == "__main__":
    use_start_method()
    stop = threading.Event()
    heart = threading.Thread(target=beat, args=(stop,), name="heart")
    worker = Process(target=work, name="worker")
    worker.start()
    heart.start()
    worker.join()
    stop.set()
    heart.join()
