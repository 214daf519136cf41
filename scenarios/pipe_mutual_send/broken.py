"""Both ends of a pipe send their half of the work at once, more than the pipe holds, and neither reads."""

# hangs: yes

from multiprocessing import Pipe, Process

from stage import use_start_method


def exchange(connection, half):
    connection.send(half)  # expect: pipe-mutual-send waiter
    return connection.recv()


def sort_half(connection):
    half = exchange(connection, list(range(100_000)))
    print(len(half), "in the child")


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    sorter = Process(target=sort_half, args=(there,), name="sorter")
    sorter.start()
    half = exchange(here, list(range(100_000)))
    print(len(half), "in the parent")
    sorter.join()
