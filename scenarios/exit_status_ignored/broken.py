"""One of the tests' processes ends with 1; nobody looks, and the program itself ends with 0."""

import sys
from multiprocessing import Process

from stage import use_start_method


def test(name, passes):
    print(name, "passed" if passes else "failed")
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    use_start_method()
    runs = [Process(target=test, args=case) for case in [("parse", True), ("render", False), ("save", True)]]
    for run in runs:
        run.start()
    for run in runs:
        run.join()  # expect: exit-status-ignored
    print("tests done")
