"""Workers between a queue of tasks and a queue of results, each ended by a STOP, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#examples
"""

from multiprocessing import Process, Queue, current_process

from stage import use_start_method

STOP = "stop"


def times(a, b):
    return a * b


def plus(a, b):
    return a + b


def worker(tasks, results):
    for function, arguments in iter(tasks.get, STOP):
        results.put((function.__name__, arguments, function(*arguments), current_process().name))


if __name__ == "__main__":
    use_start_method()
    tasks, results = Queue(), Queue()
    multiplications = [(times, (n, 7)) for n in range(20)]
    additions = [(plus, (n, 8)) for n in range(10)]
    for task in multiplications:
        tasks.put(task)
    workers = [Process(target=worker, args=(tasks, results)) for _ in range(4)]
    for process in workers:
        process.start()
    print(sorted(results.get()[2] for _ in multiplications))
    for task in additions:
        tasks.put(task)
    print(sorted(results.get()[2] for _ in additions))
    for _ in workers:
        tasks.put(STOP)
    for process in workers:
        process.join()
        print(process.exitcode)
