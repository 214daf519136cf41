"""A pipe that carries objects, bytes and arrays within one process and to another, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#connection-objects
"""

import array
from multiprocessing import Pipe, Process

from stage import use_start_method


def answer(connection):
    connection.send([42, None, "hello"])
    connection.close()


if __name__ == "__main__":
    use_start_method()
    one, other = Pipe()
    one.send([1, "hello", None])
    print(other.recv())
    other.send_bytes(b"thank you")
    print(one.recv_bytes())
    numbers, room = array.array("i", range(5)), array.array("i", [0] * 10)
    one.send_bytes(numbers)
    print(other.recv_bytes_into(room) == len(numbers) * numbers.itemsize, room[:5], one.poll())
    ours, theirs = Pipe()
    child = Process(target=answer, args=(theirs,))
    child.start()
    print(ours.recv())
    child.join()
