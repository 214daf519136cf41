"""A bound method of an object with an open file is a Process's target; the parent waits for its message."""

# exit: 1 spawn forkserver

import os
import tempfile
from multiprocessing import Process, Queue

from stage import use_start_method


class Reporter:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")

    def report(self, messages):
        self.file.write("started\n")
        messages.put("ready")


if __name__ == "__main__":
    use_start_method()
    reporter = Reporter(os.path.join(tempfile.mkdtemp(), "report.txt"))
    messages = Queue()
    process = Process(target=reporter.report, args=(messages,))
    process.start()  # expect: unpicklable-argument names=self.file methods=spawn,forkserver
    print(messages.get())
    process.join()
    reporter.file.close()
