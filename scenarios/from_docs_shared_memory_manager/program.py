"""A SharedMemoryManager's ShareableList, worked on in halves, after the documentation of multiprocessing.shared_memory.

https://docs.python.org/3/library/multiprocessing.shared_memory.html
"""

from multiprocessing import Process
from multiprocessing.managers import SharedMemoryManager

from stage import context, use_start_method


def double(numbers, start, stop):
    for index in range(start, stop):
        numbers[index] *= 2


if __name__ == "__main__":
    use_start_method()
    with SharedMemoryManager(ctx=context()) as manager:
        numbers = manager.ShareableList(range(200))
        halves = [Process(target=double, args=(numbers, start, start + 100)) for start in (0, 100)]
        for half in halves:
            half.start()
        for half in halves:
            half.join()
        print(sum(numbers))
