"""One queue is made for all jobs."""

import resource
from multiprocessing import Process, Queue

from stage import use_start_method


def work(results, number):
    results.put(number * number)


if __name__ == "__main__":
    use_start_method()
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    results = Queue()
    workers = [Process(target=work, args=(results, number)) for number in range(2)]
    for worker in workers:
        worker.start()
    print(sum(results.get() for _ in range(2)))
    for worker in workers:
        worker.join()
