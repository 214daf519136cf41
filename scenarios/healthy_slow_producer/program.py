"""Consumers wait for a long time for a producer that is busy elsewhere."""

import time
from multiprocessing import Process, Queue

from stage import patience, use_start_method


def produce(items, consumers):
    for item in range(4):
        time.sleep(patience() / 4)
        items.put(item)
    for _ in range(consumers):
        items.put(None)


def consume(items):
    for item in iter(items.get, None):
        print("got", item)


if __name__ == "__main__":
    use_start_method()
    items = Queue()
    consumers = [Process(target=consume, args=(items,)) for _ in range(3)]
    producer = Process(target=produce, args=(items, len(consumers)))
    for process in [*consumers, producer]:
        process.start()
    for process in [producer, *consumers]:
        process.join()
