"""Three takers share a queue of addresses; the giver puts one sentinel and joins all three.

After MISP/misp-takedown#4: one taker ends, the other two wait in get().
"""

# hangs: yes

from multiprocessing import Process, Queue

from stage import use_start_method


class Taker(Process):
    def __init__(self, number, addresses, notices):
        super().__init__(name=f"taker-{number}")
        self.addresses = addresses
        self.notices = notices

    def run(self):
        while True:
            address = self.addresses.get()  # expect: queue-get-no-producer waiter
            if address is None:
                return
            self.notices.put(f"abuse@{address}")


if __name__ == "__main__":
    use_start_method()
    addresses, notices = Queue(), Queue()
    takers = [Taker(number, addresses, notices) for number in range(1, 4)]
    for taker in takers:
        taker.start()
    hosts = [f"host{number}.example" for number in range(9)]
    for host in hosts:
        addresses.put(host)
    for _ in hosts:
        print(notices.get())
    addresses.put(None)
    for taker in takers:
        taker.join()
