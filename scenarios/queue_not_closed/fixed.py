"""One queue is made for all customers; their number goes along."""

import time
from multiprocessing import Process, SimpleQueue

from stage import patience, use_start_method


def answer(questions):
    print(questions.get()[1])


if __name__ == "__main__":
    use_start_method()
    questions = SimpleQueue()
    time.sleep(patience())
    clerk = Process(target=answer, args=(questions,))
    clerk.start()
    questions.put((7, "what time is it?"))
    clerk.join()
