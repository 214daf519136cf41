"""Children are started and forgotten, while their parent goes on with something else."""

import time
from multiprocessing import Event, Process

from stage import patience, use_start_method


def notify(address, everybody):
    everybody.wait()
    print("told", address)


if __name__ == "__main__":
    use_start_method()
    everybody = Event()  # start() joins children that have ended already
    for address in ("ada", "grace", "mary"):
        Process(target=notify, args=(address, everybody), name=f"to-{address}").start()  # expect: zombie
    everybody.set()
    time.sleep(2 * patience())
