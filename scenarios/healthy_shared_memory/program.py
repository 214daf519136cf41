"""A shared_memory block that is made, filled by workers, read, closed and unlinked by its owner."""

from multiprocessing import Process
from multiprocessing.shared_memory import SharedMemory

from stage import use_start_method


def fill(name, start, stop):
    block = SharedMemory(name=name)
    block.buf[start:stop] = bytes(range(start, stop))
    block.close()


if __name__ == "__main__":
    use_start_method()
    block = SharedMemory(create=True, size=100)
    workers = [Process(target=fill, args=(block.name, start, start + 50)) for start in (0, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(sum(block.buf[:100]))
    block.close()
    block.unlink()
