"""The plain example of a Value with a Lock."""

from multiprocessing import Lock, Process, Value

from stage import use_start_method


def add(total, lock):
    for _ in range(500):
        with lock:
            total.value += 1


if __name__ == "__main__":
    use_start_method()
    total = Value("i", 0)
    lock = Lock()
    processes = [Process(target=add, args=(total, lock)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(total.value)
