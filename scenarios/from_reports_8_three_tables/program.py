"""Three services each lock two tables, in an order that closes a circle of three.

After lkhq/laniakea#63 and codalab/codalab-worksheets#1985: each pair looked right by itself.
"""

# hangs: yes

from contextlib import ExitStack
from multiprocessing import Barrier, Lock, Process

from stage import meet, use_start_method


class Database:
    def __init__(self, tables):
        self.locks = {table: Lock() for table in tables}

    def transaction(self, first, second, everybody):
        with ExitStack() as stack:
            stack.enter_context(self.locks[first])  # expect: lock-cycle holder
            meet(everybody)
            stack.enter_context(self.locks[second])  # expect: lock-cycle waiter
            return f"{first} and {second}"


def serve(database, first, second, everybody):
    everybody.wait()
    print("updated", database.transaction(first, second, everybody))


if __name__ == "__main__":
    use_start_method()
    database = Database(["packages", "repositories", "workers"])
    everybody = Barrier(3)
    services = {
        "importer": ("packages", "repositories"),
        "publisher": ("repositories", "workers"),
        "scheduler": ("workers", "packages"),
    }
    processes = [
        Process(target=serve, args=(database, *tables, everybody), name=name)
        for name, tables in services.items()
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
