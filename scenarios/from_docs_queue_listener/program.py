"""Workers of a pool of processes whose records a thread of the parent handles, after the logging cookbook.

https://docs.python.org/3/howto/logging-cookbook.html#using-concurrent-futures-processpoolexecutor
"""

import logging
import logging.config
import logging.handlers
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor

from stage import context, use_start_method


def handle(records, counted):
    while (record := records.get()) is not None:
        counted.append(record.levelno)


def configure(records):
    handlers = {"queue": {"class": "logging.handlers.QueueHandler", "queue": records}}
    logging.config.dictConfig({"version": 1, "handlers": handlers, "root": {"level": "DEBUG", "handlers": ["queue"]}})


def task(number):
    logging.getLogger("task").info("number %d", number)
    return number


if __name__ == "__main__":
    use_start_method()
    counted = []
    with context().Manager() as manager:
        records = manager.Queue(-1)
        thread = threading.Thread(target=handle, args=(records, counted))
        thread.start()
        with ProcessPoolExecutor(2, initializer=configure, initargs=(records,)) as executor:
            print(sum(executor.map(task, range(6))), multiprocessing.current_process().name)
        records.put(None)
        thread.join()
    print(len(counted))
