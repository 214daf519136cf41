"""Two clerks take the same two locks, both in the same order."""

from multiprocessing import Barrier, Lock, Process

from stage import meet, use_start_method


def book(what, source, target, everybody):
    everybody.wait()
    with source:
        meet(everybody)
        with target:
            print(f"{what} booked")


if __name__ == "__main__":
    use_start_method()
    savings = Lock()
    checking = Lock()
    everybody = Barrier(2)
    clerks = [
        Process(target=book, args=("salary", savings, checking, everybody), name="salary"),
        Process(target=book, args=("rent", savings, checking, everybody), name="rent"),
    ]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
