"""A queue is made for each customer and kept, for the few of them that will ever ask."""

import time
from multiprocessing import Process, SimpleQueue

from stage import patience, use_start_method


def answer(questions):
    print(questions.get())


if __name__ == "__main__":
    use_start_method()
    customers = {}
    for number in range(60):
        customers[number] = SimpleQueue()  # expect: queue-not-closed
    time.sleep(patience())
    clerk = Process(target=answer, args=(customers[7],))
    clerk.start()
    customers[7].put("what time is it?")
    clerk.join()
