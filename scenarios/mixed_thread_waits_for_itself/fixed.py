"""A thread of a child adds to the totals, and what it calls to do so takes its lock again, an RLock."""

import threading
from multiprocessing import Process

from stage import use_start_method

totals = {}
totals_lock = threading.RLock()

def total(name):
    with totals_lock:
        return totals.get(name, 0)

def add(name, amount):
    with totals_lock:
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
