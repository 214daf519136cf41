"""The program waits for a visitor for a while, and then goes on."""

import socket
from multiprocessing import Process, Queue

from stage import use_start_method


def answer(questions):
    for question in iter(questions.get, None):
        print("answering", question)


if __name__ == "__main__":
    use_start_method()
    questions = Queue()
    worker = Process(target=answer, args=(questions,), name="answers")
    worker.start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        try:
            visitor, _ = server.accept()
            questions.put(visitor.recv(100))
        except TimeoutError:
            print("nobody came")
    questions.put(None)
    worker.join()
