"""Two functions take the same two locks in both orders; this time, one after the other."""

from multiprocessing import Lock, Process

from stage import use_start_method


def deposit(savings, checking):
    with savings:
        with checking:  # expect: lock-order-inversion verdict=possible
            print("deposited")


def withdraw(savings, checking):
    with checking:
        with savings:  # expect: lock-order-inversion verdict=possible
            print("withdrawn")


if __name__ == "__main__":
    use_start_method()
    savings = Lock()
    checking = Lock()
    for task in (deposit, withdraw):
        clerk = Process(target=task, args=(savings, checking), name=task.__name__)
        clerk.start()
        clerk.join()
