"""The children are joined before their parent goes on."""

import time
from multiprocessing import Event, Process

from stage import patience, use_start_method


def notify(address, everybody):
    everybody.wait()
    print("told", address)


if __name__ == "__main__":
    use_start_method()
    children = []
    everybody = Event()  # start() joins children that have ended already
    for address in ("ada", "grace", "mary"):
        children.append(Process(target=notify, args=(address, everybody), name=f"to-{address}"))
        children[-1].start()
    everybody.set()
    for child in children:
        child.join()
    time.sleep(2 * patience())
