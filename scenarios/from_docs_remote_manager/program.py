"""A manager's server that clients in other processes reach over TCP, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#using-a-remote-manager
"""

import multiprocessing
import queue
from multiprocessing.managers import BaseManager

from stage import context, use_start_method

KEY = b"abracadabra"
jobs = queue.Queue()


def get_jobs():
    return jobs


class Serving(BaseManager):
    pass


class Asking(BaseManager):
    pass


Serving.register("get_jobs", callable=get_jobs)
Asking.register("get_jobs")


def ask(address):
    client = Asking(address=address, authkey=KEY)
    client.connect()
    client.get_jobs().put("hello")


if __name__ == "__main__":
    use_start_method()
    server = Serving(address=("127.0.0.1", 0), authkey=KEY, ctx=context())
    server.start()
    asker = multiprocessing.Process(target=ask, args=(server.address,))
    asker.start()
    client = Asking(address=server.address, authkey=KEY)
    client.connect()
    print(client.get_jobs().get())
    asker.join()
    server.shutdown()
