"""Two functions take the same two locks in the same order."""

from multiprocessing import Lock, Process

from stage import use_start_method


def deposit(savings, checking):
    with savings:
        with checking:
            print("deposited")


def withdraw(savings, checking):
    with savings:
        with checking:
            print("withdrawn")


if __name__ == "__main__":
    use_start_method()
    savings = Lock()
    checking = Lock()
    for task in (deposit, withdraw):
        clerk = Process(target=task, args=(savings, checking), name=task.__name__)
        clerk.start()
        clerk.join()
