"""Event, Condition and Barrier, as they are meant to be used, with a wait that is long."""

import time
from multiprocessing import Barrier, Condition, Event, Process, Value

from stage import patience, use_start_method


def run(gun, line, places, finish):
    line.wait()
    gun.wait()
    with places:
        finish.value += 1
        places.notify_all()
    line.wait()


if __name__ == "__main__":
    use_start_method()
    gun, line, places, finish = Event(), Barrier(4), Condition(), Value("i", 0)
    runners = [Process(target=run, args=(gun, line, places, finish)) for _ in range(3)]
    for runner in runners:
        runner.start()
    line.wait()
    time.sleep(patience())
    gun.set()
    with places:
        places.wait_for(lambda: finish.value == 3)
    print(finish.value, "finished")
    line.wait()
    for runner in runners:
        runner.join()
