"""The plain example of Pipe."""

from multiprocessing import Pipe, Process

from stage import use_start_method


def answer(connection):
    connection.send([42, None, "hello"])
    connection.close()


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    process = Process(target=answer, args=(there,))
    process.start()
    print(here.recv())
    process.join()
