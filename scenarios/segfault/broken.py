"""A worker reads memory at an address that its table does not have: 0."""

import ctypes
from multiprocessing import Process

from stage import use_start_method


def show(names):
    text = ctypes.create_string_buffer(b"zebra")
    table = {"zebra": ctypes.addressof(text)}
    for name in names:
        address = table.get(name, 0)
        print(name, ctypes.string_at(address))  # expect: segfault


if __name__ == "__main__":
    use_start_method()
    viewer = Process(target=show, args=(["zebra", "okapi"],), name="viewer")
    viewer.start()
    viewer.join()
    print("done")
