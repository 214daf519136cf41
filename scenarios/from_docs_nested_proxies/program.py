"""Proxies that hold proxies, a Namespace, and values stored back, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#proxy-objects
"""

from multiprocessing import Process
from multiprocessing.managers import SyncManager

from stage import context, use_start_method


def fill(table, row):
    table[row].append(row * 10)
    rows = table[row]
    rows[0] += 1
    plain = table[2]
    plain["d"] = row
    table[2] = plain


if __name__ == "__main__":
    use_start_method()
    with SyncManager(ctx=context()) as manager:
        place = manager.Namespace()
        place.x, place.y, place._hidden = 10, "hello", 12.3
        print(place)
        outer, inner = manager.list(), manager.list()
        outer.append(inner)
        inner.append("hello")
        print(len(outer), outer[0][0])
        table = manager.list([manager.list([0]), manager.list([1]), {}])
        for row in (0, 1):
            child = Process(target=fill, args=(table, row))
            child.start()
            child.join()
        print([list(table[0]), list(table[1]), table[2]], str(outer[0]))
