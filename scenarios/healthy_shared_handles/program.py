"""What a fork leaves in two processes on purpose: a log that all write to, a listening socket, a file read by turns or by one only."""

# methods: fork

import os
import socket
import tempfile
from multiprocessing import Barrier, Lock, Process

from stage import use_start_method

SIZE = 20_000


def serve(listener, log, table, turn, number, everybody):
    log.write(f"{number} begins\n")
    log.flush()
    connection, _ = listener.accept()
    connection.sendall(connection.recv(1))
    connection.close()
    with turn:
        table.seek(number * SIZE)
        table.read(SIZE)
    everybody.wait()


if __name__ == "__main__":
    use_start_method()
    everybody, turn = Barrier(2), Lock()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        tempfile.NamedTemporaryFile("w+") as log,
        open(log.name, "a") as ended,
        tempfile.TemporaryFile() as table,
        tempfile.TemporaryFile("w+") as own,
    ):
        table.write(bytes(4 * SIZE))
        table.flush()
        own.write("line\n" * SIZE)
        own.seek(0)
        workers = [Process(target=serve, args=(listener, log, table, turn, number, everybody)) for number in (1, 2)]
        for worker in workers:
            worker.start()
        ended.write("started\n")
        for line in own:
            pass
        for _ in workers:
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(b"?")
                client.recv(1)
        for worker in workers:
            worker.join()
        table.seek(0)
        table.read()
        print(os.fstat(log.fileno()).st_size > 0, table.tell() == 4 * SIZE)
