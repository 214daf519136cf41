"""The main process waits for a reply with the ledger locked; the clerk replies when its writer is done; the writer wants the ledger."""

# hangs: yes
# root: lock-cycle

import threading
from multiprocessing import Lock, Process, Queue

from stage import use_start_method


def write(ledger, orders):
    with ledger:  # expect: lock-cycle waiter names=ledger,writer,clerk
        print("wrote", orders)


def serve(ledger, orders, replies):
    order = orders.get()
    writer = threading.Thread(target=write, args=(ledger, order), name="writer")
    writer.start()
    writer.join()  # expect: lock-cycle waiter
    replies.put(f"{order} done")


if __name__ == "__main__":
    use_start_method()
    ledger = Lock()
    orders = Queue()
    replies = Queue()
    clerk = Process(target=serve, args=(ledger, orders, replies), name="clerk")
    clerk.start()
    with ledger:  # expect: lock-cycle holder
        orders.put("rent")
        print(replies.get())  # expect: lock-cycle waiter names=replies
    clerk.join()
