"""A worker waits for a file lock that a program outside holds for a while; the parent waits for the worker."""

import fcntl
import os
import subprocess
import sys
import tempfile
from multiprocessing import Process

from stage import patience, use_start_method

BACKUP = """
import fcntl, sys, time
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def update(path):
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        print("updated")


if __name__ == "__main__":
    use_start_method()
    path = os.path.join(tempfile.mkdtemp(), "lock")
    backup = subprocess.Popen(
        [sys.executable, "-I", "-c", BACKUP, path, str(patience())], stdout=subprocess.PIPE
    )
    with backup.stdout:
        backup.stdout.readline()
        writer = Process(target=update, args=(path,))
        writer.start()
        writer.join()
    backup.wait()
