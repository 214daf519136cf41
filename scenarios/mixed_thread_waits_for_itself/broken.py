"""A thread of a child adds to the totals, and what it calls to do so takes the lock that it has."""

# hangs: yes
# root: self-deadlock

import threading
from multiprocessing import Process

from stage import use_start_method

totals = {}
totals_lock = threading.Lock()


def total(name):
    with totals_lock:  # expect: self-deadlock waiter names=totals_lock,adder
        return totals.get(name, 0)


def add(name, amount):
    with totals_lock:  # expect: self-deadlock holder
        totals[name] = total(name) + amount
        print(totals)


def serve():
    thread = threading.Thread(target=add, args=("rent", 700), name="adder")
    thread.start()
    thread.join()


if __name__ == "__main__":
    use_start_method()
    server = Process(target=serve, name="server")
    server.start()
    server.join()
