"""A block of shared memory is made for each frame, and none is unlinked."""

from multiprocessing import Process
from multiprocessing.shared_memory import SharedMemory

from stage import use_start_method


def show(name):
    block = SharedMemory(name=name)
    print(bytes(block.buf[:5]))
    block.close()


if __name__ == "__main__":
    use_start_method()
    for number in range(2):
        block = SharedMemory(create=True, size=4096)  # expect: leaked-shared-memory
        block.buf[:5] = f"pic {number}".encode()
        viewer = Process(target=show, args=(block.name,))
        viewer.start()
        viewer.join()
        block.close()
