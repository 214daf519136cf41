"""The parent notifies before its worker waits, and the worker does not look whether there is something to wait for."""

# hangs: yes

from multiprocessing import Condition, Event, Process, Value

from stage import use_start_method


def consume(changed, price, notified):
    notified.wait()  # the worker is still busy when the price changes
    with changed:
        changed.wait()  # expect: condition-lost-notify waiter
        print("price", price.value)


if __name__ == "__main__":
    use_start_method()
    changed, price, notified = Condition(), Value("i", 0), Event()
    worker = Process(target=consume, args=(changed, price, notified), name="trader")
    worker.start()
    with changed:
        price.value = 42
        changed.notify()
    notified.set()
    worker.join()
