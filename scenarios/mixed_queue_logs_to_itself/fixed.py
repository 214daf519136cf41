"""A child sends a log of its own through a Queue."""

import logging
import logging.handlers
from multiprocessing import Process, Queue

from stage import use_start_method

def work(records):
    logger = logging.getLogger("worker")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(logging.handlers.QueueHandler(records))
    logger.debug("ready")

if __name__ == "__main__":
    use_start_method()
    records = Queue()
    worker = Process(target=work, args=(records,), name="worker")
    worker.start()
    print(records.get().getMessage())
    worker.join()
