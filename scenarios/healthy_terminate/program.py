"""Processes without an end of their own are stopped with terminate() and joined."""

import signal
import time
from multiprocessing import Event, Process

from stage import patience, use_start_method


def beat(begun):
    begun.set()
    while True:
        time.sleep(0.05)


if __name__ == "__main__":
    use_start_method()
    begun = [Event() for _ in range(3)]
    hearts = [Process(target=beat, args=(event,)) for event in begun]
    for heart in hearts:
        heart.start()
    for event in begun:
        event.wait()
    time.sleep(patience())
    for heart in hearts:
        heart.terminate()
    for heart in hearts:
        heart.join()
        print(heart.exitcode == -signal.SIGTERM)
