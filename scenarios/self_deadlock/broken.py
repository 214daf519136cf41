"""A method that holds the account's lock calls another method that takes it again."""

# hangs: yes

from multiprocessing import Lock, Process, Value

from stage import use_start_method


class Account:
    def __init__(self, amount):
        self.lock = Lock()
        self.amount = Value("d", amount, lock=False)

    def balance(self):
        with self.lock:  # expect: self-deadlock waiter
            return self.amount.value

    def withdraw(self, amount):
        with self.lock:  # expect: self-deadlock holder
            if self.balance() >= amount:
                self.amount.value -= amount


if __name__ == "__main__":
    use_start_method()
    account = Account(100.0)
    teller = Process(target=account.withdraw, args=(30.0,), name="teller")
    teller.start()
    teller.join()
    print(account.balance())
