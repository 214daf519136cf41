"""Workers wait for a Condition that is notified late, and for a Semaphore whose seats come back late."""

import time
from multiprocessing import Condition, Process, Semaphore, Value

from stage import patience, use_start_method


def wait_for_data(changed, version, seats):
    with changed:
        changed.wait_for(lambda: version.value)
    with seats:
        time.sleep(patience() / 3)


if __name__ == "__main__":
    use_start_method()
    changed, version, seats = Condition(), Value("i", 0), Semaphore(1)
    workers = [Process(target=wait_for_data, args=(changed, version, seats)) for _ in range(3)]
    for worker in workers:
        worker.start()
    time.sleep(patience())
    with changed:
        version.value = 1
        changed.notify_all()
    for worker in workers:
        worker.join()
    print("all done")
