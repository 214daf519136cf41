"""A server of a manager that a process of its own runs for ever, and that its parent ends, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#using-a-remote-manager
"""

import queue
from multiprocessing import Pipe, Process
from multiprocessing.managers import BaseManager

from stage import use_start_method

KEY = b"abracadabra"
letters = queue.Queue()


class Post(BaseManager):
    pass


def get_letters():
    return letters


def serve(told):
    Post.register("get_letters", callable=get_letters)
    server = Post(address=("127.0.0.1", 0), authkey=KEY).get_server()
    told.send(server.address)
    server.serve_forever()


if __name__ == "__main__":
    use_start_method()
    asked, told = Pipe()
    server = Process(target=serve, args=(told,))
    server.start()
    Post.register("get_letters")
    client = Post(address=asked.recv(), authkey=KEY)
    client.connect()
    client.get_letters().put("hello")
    print(client.get_letters().get())
    server.terminate()
    server.join()
