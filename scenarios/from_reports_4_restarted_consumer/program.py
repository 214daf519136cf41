"""A supervisor restarts consumers that have been idle for too long; the new one never gets anything.

After python/cpython#96062 and joblib/loky#3: a process that waits in get() is the one that holds the queue's reading lock.
"""

# hangs: yes

import time
from multiprocessing import Process, Queue, Value

from stage import use_start_method


def consume(mails, sent, last_sent):
    while True:
        mail = mails.get()  # expect: queue-lock-lost waiter
        if mail is None:
            break
        last_sent.value = time.time()
        sent.put(f"sent {mail}")


class Supervisor:
    def __init__(self, idle_limit):
        self.idle_limit = idle_limit
        self.mails = Queue()
        self.sent = Queue()
        self.last_sent = Value("d", time.time())
        self.consumer = None
        self.start_consumer("mailer-1")

    def start_consumer(self, name):
        self.consumer = Process(target=consume, args=(self.mails, self.sent, self.last_sent), name=name)
        self.consumer.start()

    def send(self, mail):
        self.mails.put(mail)
        return self.sent.get()

    def check(self):
        if time.time() - self.last_sent.value > self.idle_limit:
            self.consumer.terminate()  # expect: queue-lock-lost
            self.consumer.join()
            self.start_consumer("mailer-2")

    def stop(self):
        self.mails.put(None)
        self.consumer.join()


if __name__ == "__main__":
    use_start_method()
    supervisor = Supervisor(idle_limit=0.4)
    print(supervisor.send("welcome"))
    time.sleep(0.6)
    supervisor.check()
    print(supervisor.send("invoice"))
    supervisor.stop()
