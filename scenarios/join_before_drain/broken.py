"""The parent joins its worker before it has read what the worker put on the queue: more than a pipe holds."""

# hangs: yes

from multiprocessing import Process, Queue

from stage import use_start_method


def square(numbers, results):
    results.put([number * number for number in numbers])


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    worker = Process(target=square, args=(range(200_000), results), name="squares")
    worker.start()
    worker.join()  # expect: join-before-drain waiter
    print(len(results.get()))
