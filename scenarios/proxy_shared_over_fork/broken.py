"""A child made by os.fork() uses its parent's proxy, and with it the parent's connection to the manager."""

# methods: fork

import os
from multiprocessing import Manager

from stage import use_start_method


def note(seen, read, write):
    os.read(read, 1)
    seen[os.getpid()] = "here"  # expect: proxy-shared-over-fork verdict=likely
    os.write(write, b".")
    os.read(read, 1)


if __name__ == "__main__":
    use_start_method()
    with Manager() as manager:
        seen = manager.dict()
        seen["first"] = os.getpid()
        (child_reads, parent_writes), (parent_reads, child_writes) = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            note(seen, child_reads, child_writes)
            os._exit(0)
        os.write(parent_writes, b".")
        os.read(parent_reads, 1)
        print(len(seen))  # expect: proxy-shared-over-fork verdict=likely
        os.write(parent_writes, b".")
        os.waitpid(child, 0)
