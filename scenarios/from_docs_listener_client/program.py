"""A Listener and its Client on a Unix socket, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#listeners-and-clients
"""

from array import array
from multiprocessing import Process, Queue
from multiprocessing.connection import Client, Listener

from stage import use_start_method


def serve(addresses):
    with Listener(None, "AF_UNIX", authkey=b"a password") as listener:
        addresses.put(listener.address)
        with listener.accept() as connection:
            connection.send([2.25, None, "junk", float])
            connection.send_bytes(b"hello")
            connection.send_bytes(array("i", [42, 1729]))


if __name__ == "__main__":
    use_start_method()
    addresses = Queue()
    server = Process(target=serve, args=(addresses,))
    server.start()
    with Client(addresses.get(), authkey=b"a password") as connection:
        print(connection.recv())
        print(connection.recv_bytes())
        numbers = array("i", [0] * 5)
        print(connection.recv_bytes_into(numbers), numbers)
    server.join()
