"""Values, arrays and structures in shared memory, changed by a child, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#module-multiprocessing.sharedctypes
"""

from ctypes import Structure, c_double
from multiprocessing import Array, Lock, Process, Value

from stage import use_start_method


class Point(Structure):
    _fields_ = [("x", c_double), ("y", c_double)]


def square_all(count, ratio, text, points):
    count.value **= 2
    ratio.value **= 2
    text.value = text.value.upper()
    for point in points:
        point.x **= 2
        point.y **= 2


if __name__ == "__main__":
    use_start_method()
    lock = Lock()
    count = Value("i", 7)
    ratio = Value(c_double, 1.5, lock=False)
    text = Array("c", b"hello world", lock=lock)
    points = Array(Point, [(1.5, -6.25), (-5.5, 2.0), (2.25, 9.5)], lock=lock)
    process = Process(target=square_all, args=(count, ratio, text, points))
    process.start()
    process.join()
    print(count.value, ratio.value, text.value)
    print([(point.x, point.y) for point in points])
