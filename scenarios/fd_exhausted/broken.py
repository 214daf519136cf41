"""A queue is made for each job and kept: each has two files open, and a process may have only so many."""

# exit: 1

import resource
from multiprocessing import Process, Queue

from stage import use_start_method


def work(results, number):
    results.put(number * number)


if __name__ == "__main__":
    use_start_method()
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    answers = []
    for number in range(30):
        results = Queue()  # expect: fd-exhausted names=Queue
        answers.append(results)
    workers = [Process(target=work, args=(results, number)) for number, results in enumerate(answers[:2])]
    for worker in workers:
        worker.start()
    print(sum(results.get() for results in answers[:2]))
    for worker in workers:
        worker.join()
