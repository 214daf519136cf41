"""A client is connected before the fork; two forked workers ask through its socket, and each may get the other's answer."""

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
        return self.socket.recv(1)  # expect: fork-shared-handle verdict=likely


def serve(listener):
    connection, _ = listener.accept()
    with connection:
        while question := connection.recv(1):
            connection.sendall(question)


def work(client, number, everybody):
    meet(everybody)
    client.ask(number)
    meet(everybody)


if __name__ == "__main__":
    use_start_method()
    everybody = Barrier(2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(listener.getsockname())
        workers = [Process(target=work, args=(client, number, everybody)) for number in (1, 2)]
        for worker in workers:
            worker.start()
        server = Thread(target=serve, args=(listener,))
        server.start()
        for worker in workers:
            worker.join()
        client.socket.close()
        server.join()
