"""A worker is terminated while its large result is half written; the parent's get() waits for the rest, timeout or not."""

# hangs: yes

import time
from multiprocessing import Event, Process, Queue

from stage import use_start_method


def simulate(results, simulated):
    results.put(bytes(5_000_000))
    simulated.set()


if __name__ == "__main__":
    use_start_method()
    results, simulated = Queue(), Event()
    worker = Process(target=simulate, args=(results, simulated), name="simulation")
    worker.start()
    simulated.wait()
    time.sleep(0.5)
    worker.terminate()
    worker.join()
    print(len(results.get(timeout=1)))  # expect: partial-message waiter
