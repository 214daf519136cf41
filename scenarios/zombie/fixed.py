"""The children are joined before their parent goes on."""

import time
from multiprocessing import Process

from stage import patience, use_start_method


def notify(address):
    print("told", address)


if __name__ == "__main__":
    use_start_method()
    children = []
    for address in ("ada", "grace", "mary"):
        children.append(Process(target=notify, args=(address,), name=f"to-{address}"))
        children[-1].start()
    for child in children:
        child.join()
    time.sleep(2 * patience())
