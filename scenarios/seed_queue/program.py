"""The plain example of Queue."""

from multiprocessing import Process, Queue

from stage import use_start_method


def answer(queue):
    queue.put([42, None, "hello"])


if __name__ == "__main__":
    use_start_method()
    queue = Queue()
    process = Process(target=answer, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
