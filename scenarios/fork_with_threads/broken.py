"""A process is forked while another thread runs; this time the thread holds nothing the child needs."""

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
    heart.start()
    worker = Process(target=work, name="worker")
    worker.start()  # expect: fork-with-threads verdict=possible
    worker.join()
    stop.set()
    heart.join()
