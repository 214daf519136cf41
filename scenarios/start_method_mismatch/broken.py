"""A lock made for forked processes is given to a spawned one."""

# exit: 1
# since: 3.11

import multiprocessing


def work(lock):
    with lock:
        print("worked")


if __name__ == "__main__":
    lock = multiprocessing.get_context("fork").Lock()
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(lock,), name="worker")
    worker.start()  # expect: start-method-mismatch
    worker.join()
