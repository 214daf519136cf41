"""One end of a pipe sends its half of the work first, the other reads first."""

from multiprocessing import Pipe, Process

from stage import use_start_method


def exchange(connection, half):
    connection.send(half)
    return connection.recv()


def sort_half(connection):
    half = connection.recv()
    connection.send(list(range(100_000)))
    print(len(half), "in the child")


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    sorter = Process(target=sort_half, args=(there,), name="sorter")
    sorter.start()
    half = exchange(here, list(range(100_000)))
    print(len(half), "in the parent")
    sorter.join()
