"""A child keeps its books and its cache under two locks of threading; its two threads take them in the same order."""

import threading
from multiprocessing import Process

from stage import meet, use_start_method

books = threading.Lock()
cache = threading.Lock()


def store(both):
    with books:
        meet(both)
        with cache:
            print("stored")


def load(both):
    with books:
        meet(both)
        with cache:
            print("loaded")


def serve():
    both = threading.Barrier(2)
    threads = [
        threading.Thread(target=store, args=(both,), name="storer"),
        threading.Thread(target=load, args=(both,), name="loader"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    use_start_method()
    server = Process(target=serve, name="server")
    server.start()
    server.join()
