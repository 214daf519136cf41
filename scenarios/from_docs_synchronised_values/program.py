"""Structures, strings and numbers in shared memory, with and without a lock, after the documentation of sharedctypes.

https://docs.python.org/3/library/multiprocessing.html#module-multiprocessing.sharedctypes
"""

from ctypes import Structure, c_double
from multiprocessing import Lock, Process
from multiprocessing.sharedctypes import Array, RawArray, Value, copy, synchronized

from stage import use_start_method


class Point(Structure):
    _fields_ = [("x", c_double), ("y", c_double)]


def modify(number, exact, text, points, raw):
    number.value **= 2
    exact.value **= 2
    text.value = text.value.upper()
    for point in points:
        point.x **= 2
        point.y **= 2
    with number.get_lock():
        number.value += 1
    raw[0] += 1


if __name__ == "__main__":
    use_start_method()
    lock = Lock()
    number = Value("i", 7)
    exact = Value(c_double, 1.0 / 3.0, lock=False)
    text = Array("c", b"hello world", lock=lock)
    points = Array(Point, [(1.875, -6.25), (-5.75, 2.0)], lock=lock)
    raw = RawArray("i", 3)
    child = Process(target=modify, args=(number, exact, text, points, raw))
    child.start()
    child.join()
    print(number.value, round(exact.value, 3), text.value, [(point.x, point.y) for point in points], list(raw))
    print(synchronized(copy(Point(1, 2)), lock).get_obj().y)
