"""The parent speaks first."""

from multiprocessing import Pipe, Process

from stage import use_start_method


def answer(connection):
    question = connection.recv()
    connection.send(question.upper())


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    oracle = Process(target=answer, args=(there,), name="oracle")
    oracle.start()
    here.send("rain")
    print(here.recv())
    oracle.join()
