"""Two clerks take the same two locks, each in the order in which its caller passed them."""

# hangs: yes

from multiprocessing import Barrier, Lock, Process

from stage import meet, use_start_method


def book(what, source, target, everybody):
    everybody.wait()
    with source:  # expect: lock-cycle holder
        meet(everybody)
        with target:  # expect: lock-cycle waiter
            print(f"{what} booked")


if __name__ == "__main__":
    use_start_method()
    savings = Lock()
    checking = Lock()
    everybody = Barrier(2)
    clerks = [
        Process(target=book, args=("salary", savings, checking, everybody), name="salary"),
        Process(target=book, args=("rent", checking, savings, everybody), name="rent"),
    ]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
