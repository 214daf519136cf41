"""A server waits for its first visitor while its workers wait for work."""

import socket
import subprocess
import sys
from multiprocessing import Process, Queue

from stage import patience, use_start_method

VISITOR = """
import socket, sys, time
time.sleep(float(sys.argv[1]))
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as server:
    server.sendall(b"hello")
"""


def serve(requests, answers):
    for request in iter(requests.get, None):
        answers.put(request.upper())


if __name__ == "__main__":
    use_start_method()
    requests, answers = Queue(), Queue()
    workers = [Process(target=serve, args=(requests, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        visitor = subprocess.Popen([sys.executable, "-I", "-c", VISITOR, str(patience()), str(port)])
        connection, _ = server.accept()
        with connection:
            requests.put(connection.recv(100))
        print(answers.get())
    visitor.wait()
    for _ in workers:
        requests.put(None)
    for worker in workers:
        worker.join()
