"""The parent reads what its worker put on the queue, then joins it."""

from multiprocessing import Process, Queue

from stage import use_start_method


def square(numbers, results):
    results.put([number * number for number in numbers])


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    worker = Process(target=square, args=(range(200_000), results), name="squares")
    worker.start()
    print(len(results.get()))
    worker.join()
