"""Locks used as signals: taken by one process, released by another."""

import time
from multiprocessing import Lock, Process, Semaphore

from stage import patience, use_start_method


def cook(order, dish):
    order.acquire()
    time.sleep(patience())
    print("cooked")
    dish.release()


if __name__ == "__main__":
    use_start_method()
    order, dish = Lock(), Semaphore(0)
    order.acquire()
    cook_process = Process(target=cook, args=(order, dish), name="cook")
    cook_process.start()
    order.release()
    dish.acquire()
    print("eaten")
    cook_process.join()
