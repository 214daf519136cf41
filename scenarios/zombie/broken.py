"""Children are started and forgotten, while their parent goes on with something else."""

import time
from multiprocessing import Process

from stage import patience, use_start_method


def notify(address):
    print("told", address)


if __name__ == "__main__":
    use_start_method()
    for address in ("ada", "grace", "mary"):
        Process(target=notify, args=(address,), name=f"to-{address}").start()  # expect: zombie
    time.sleep(2 * patience())
