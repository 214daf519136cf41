"""A child sends the library's own log through a Queue; put() writes to that log, and so comes back to the same Queue."""

# hangs: yes
# root: self-deadlock

import logging
import logging.handlers
from multiprocessing import Process, Queue, get_logger

from stage import use_start_method


def work(records):
    logger = get_logger()
    logger.setLevel(logging.DEBUG)
    logger.addHandler(logging.handlers.QueueHandler(records))
    logger.debug("ready")  # expect: self-deadlock waiter names=worker


if __name__ == "__main__":
    use_start_method()
    records = Queue()
    worker = Process(target=work, args=(records,), name="worker")
    worker.start()
    worker.join()
