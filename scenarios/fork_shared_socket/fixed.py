"""Two forked workers ask a server; each connects by itself, after the fork."""

# methods: fork

import socket
from multiprocessing import Barrier, Process
from threading import Thread

from stage import meet, use_start_method


class Client:
    def __init__(self, address):
        self.socket = socket.create_connection(address)

    def ask(self, number):
        self.socket.sendall(bytes([number]))
        return self.socket.recv(1)


def serve(listener):
    for _ in range(2):
        connection, _ = listener.accept()
        with connection:
            while question := connection.recv(1):
                connection.sendall(question)


def work(address, number, everybody):
    meet(everybody)
    client = Client(address)
    client.ask(number)
    client.socket.close()
    meet(everybody)


if __name__ == "__main__":
    use_start_method()
    everybody = Barrier(2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        workers = [Process(target=work, args=(listener.getsockname(), number, everybody)) for number in (1, 2)]
        for worker in workers:
            worker.start()
        server = Thread(target=serve, args=(listener,))
        server.start()
        for worker in workers:
            worker.join()
        server.join()
