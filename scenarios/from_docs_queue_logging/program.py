"""Workers that log through a queue to a process that writes, after the logging cookbook.

https://docs.python.org/3/howto/logging-cookbook.html#logging-to-a-single-file-from-multiple-processes
"""

import logging
import logging.handlers
import multiprocessing
import random
import sys
import time

from stage import use_start_method


def write(records):
    logger = logging.getLogger("writer")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    while (record := records.get()) is not None:
        logger.handle(record)


def work(records, number):
    root = logging.getLogger()
    root.addHandler(logging.handlers.QueueHandler(records))
    root.setLevel(logging.DEBUG)
    logger = logging.getLogger(f"work.{number}")
    logger.info("started: %s", multiprocessing.current_process().name)
    for _ in range(5):
        time.sleep(random.random() / 100)
        logger.log(random.choice((logging.DEBUG, logging.WARNING)), "message %d", random.randrange(100))
    logger.info("finished")


if __name__ == "__main__":
    use_start_method()
    records = multiprocessing.Queue(-1)
    writer = multiprocessing.Process(target=write, args=(records,))
    writer.start()
    workers = [multiprocessing.Process(target=work, args=(records, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    records.put_nowait(None)
    writer.join()
    print("done", file=sys.stdout)
