"""An object with a client that holds a lock is the target of a process: fine with fork, not where arguments are pickled.

After pythongssapi/httpx-gssapi#61 and python/cpython#125714 (forkserver is the default from 3.14 on).
"""

# exit: 1 spawn forkserver

import threading
from multiprocessing import Process, Queue

from stage import use_start_method


class Client:
    def __init__(self, host):
        self.host = host
        self._lock = threading.Lock()
        self._calls = 0

    def call(self, method):
        with self._lock:
            self._calls += 1
            return f"{method} at {self.host}"


class Service:
    def __init__(self, host, answers):
        self.client = Client(host)
        self.answers = answers

    def run(self, methods):
        for method in methods:
            self.answers.put(self.client.call(method))


if __name__ == "__main__":
    use_start_method()
    answers = Queue()
    service = Service("localhost", answers)
    process = Process(target=service.run, args=(["login", "logout"],), name="service")
    process.start()  # expect: unpicklable-argument names=client._lock methods=spawn,forkserver
    print(answers.get())
    print(answers.get())
    process.join()
