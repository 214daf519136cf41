"""A worker loops on get() without a timeout, and nobody puts a sentinel."""

# hangs: yes

from multiprocessing import Process, Queue

from stage import use_start_method


def work(tasks):
    while True:
        task = tasks.get()  # expect: queue-get-no-producer waiter
        print("task", task)


if __name__ == "__main__":
    use_start_method()
    tasks = Queue()
    worker = Process(target=work, args=(tasks,))
    worker.start()
    for task in range(5):
        tasks.put(task)
    worker.join()
