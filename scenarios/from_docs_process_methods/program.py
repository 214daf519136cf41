"""A Process asked all it knows of itself, terminated and closed, after multiprocessing's documentation.

https://docs.python.org/3/library/multiprocessing.html#process-and-exceptions
"""

import os
import signal
import time
from multiprocessing import Process, active_children, current_process, parent_process

from stage import use_start_method


def family(expected):
    print(parent_process().pid == expected == os.getppid(), current_process().name)


if __name__ == "__main__":
    use_start_method()
    sleeper = Process(target=time.sleep, args=(1000,), name="sleeper")
    print(sleeper.is_alive(), sleeper.exitcode)
    sleeper.start()
    print(sleeper.is_alive(), sleeper in active_children())
    sleeper.terminate()
    sleeper.join()
    print(sleeper.is_alive(), sleeper.exitcode == -signal.SIGTERM)
    sleeper.close()
    child = Process(target=time.sleep, args=(0.01,))
    child.start()
    child.join(timeout=30)
    print(child.exitcode)
