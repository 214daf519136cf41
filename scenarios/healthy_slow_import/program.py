"""Two threads of a worker import the same slow module: one of them waits for the other's import."""

import threading
from multiprocessing import Process

from stage import use_start_method


def look_up():
    import slow_module

    print(slow_module.TABLE["one"])


def work():
    threads = [threading.Thread(target=look_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    use_start_method()
    worker = Process(target=work)
    worker.start()
    worker.join()
