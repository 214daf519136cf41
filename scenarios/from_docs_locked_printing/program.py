"""Processes that print one at a time, count in a Value and share an Array, after the first pages of the documentation.

https://docs.python.org/3/library/multiprocessing.html#synchronization-between-processes
"""

from multiprocessing import Array, Lock, Process, RLock, Semaphore, Value

from stage import use_start_method


def work(printing, seats, total, numbers, index):
    with seats:
        with printing:
            print("hello world", index)
        with total.get_lock():
            total.value += index
        numbers[index] = -index


if __name__ == "__main__":
    use_start_method()
    printing, seats = Lock(), Semaphore(3)
    total, numbers = Value("d", 0.0, lock=RLock()), Array("i", range(10))
    processes = [Process(target=work, args=(printing, seats, total, numbers, index)) for index in range(10)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(total.value, numbers[:])
