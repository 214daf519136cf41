"""A forked worker gives work to an executor of threads that was made in its parent: the threads are not in the worker."""

# hangs: yes
# methods: fork

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Process

from stage import use_start_method

uploads = ThreadPoolExecutor(1)


def upload(name):
    return f"{name} uploaded"


def work():
    print(uploads.submit(upload, "results").result())  # expect: thread-missing-after-fork waiter


if __name__ == "__main__":
    use_start_method()
    print(uploads.submit(upload, "settings").result())
    worker = Process(target=work, name="worker")
    worker.start()
    worker.join()
