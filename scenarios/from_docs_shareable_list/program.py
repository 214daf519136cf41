"""A ShareableList and a SharedMemory block attached by name in another process, after multiprocessing.shared_memory's documentation.

https://docs.python.org/3/library/multiprocessing.shared_memory.html
"""

from multiprocessing import Process
from multiprocessing.shared_memory import ShareableList, SharedMemory

from stage import use_start_method


def change(list_name, block_name):
    mixed = ShareableList(name=list_name)
    mixed[0], mixed[2] = -7, "dry ice"
    mixed.shm.close()
    block = SharedMemory(block_name)
    block.buf[:5] = b"howdy"
    block.close()


if __name__ == "__main__":
    use_start_method()
    mixed = ShareableList([2, 3.5, "something", None, True])
    block = SharedMemory(create=True, size=10)
    child = Process(target=change, args=(mixed.shm.name, block.name))
    child.start()
    child.join()
    print(list(mixed), bytes(block.buf[:5]), mixed.count(3.5), mixed.index(None))
    for memory in (mixed.shm, block):
        memory.close()
        memory.unlink()
