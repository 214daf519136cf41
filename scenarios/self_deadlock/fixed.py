"""A method that holds the account's lock calls another method that takes it again: an RLock allows that."""

from multiprocessing import Process, RLock, Value

from stage import use_start_method


class Account:
    def __init__(self, amount):
        self.lock = RLock()
        self.amount = Value("d", amount, lock=False)

    def balance(self):
        with self.lock:
            return self.amount.value

    def withdraw(self, amount):
        with self.lock:
            if self.balance() >= amount:
                self.amount.value -= amount


if __name__ == "__main__":
    use_start_method()
    account = Account(100.0)
    teller = Process(target=account.withdraw, args=(30.0,), name="teller")
    teller.start()
    teller.join()
    print(account.balance())
