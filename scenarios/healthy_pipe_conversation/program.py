"""A parent and its child take turns on a pipe; the end of the conversation is the closed pipe."""

import time
from multiprocessing import Pipe, Process

from stage import patience, use_start_method


def answer(connection, seconds):
    while True:
        try:
            question = connection.recv()
        except EOFError:
            break
        time.sleep(seconds)
        connection.send(f"{question}: yes")


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    oracle = Process(target=answer, args=(there, patience() / 3))
    oracle.start()
    there.close()
    for question in ("rain", "snow", "sun"):
        here.send(question)
        print(here.recv())
    here.close()
    oracle.terminate()  # under fork it holds a copy of our end, too: it will see no end of file
    oracle.join()
