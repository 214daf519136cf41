"""A supervisor kills a leader, whose follower goes on without it: nobody joins it, and nobody ends it."""

import os
import signal
import time
from multiprocessing import Process, SimpleQueue

from stage import use_start_method


def follow(told):
    told.put(os.getpid())
    time.sleep(3)


def lead(told):
    follower = Process(target=follow, args=(told,), name="follower")
    follower.start()  # expect: orphaned
    follower.join()


if __name__ == "__main__":
    use_start_method()
    told = SimpleQueue()
    leader = Process(target=lead, args=(told,), name="leader")
    leader.start()
    told.get()
    os.kill(leader.pid, signal.SIGKILL)
    leader.join()
    print(leader.exitcode)
    time.sleep(2)
