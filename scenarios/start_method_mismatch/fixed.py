"""The lock and the process are made for the same start method."""

import multiprocessing


def work(lock):
    with lock:
        print("worked")


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    lock = context.Lock()
    worker = context.Process(target=work, args=(lock,), name="worker")
    worker.start()
    worker.join()
