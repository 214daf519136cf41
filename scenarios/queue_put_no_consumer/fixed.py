"""The consumer reads on to the end, whatever it has found."""

from multiprocessing import Process, Queue

from stage import use_start_method


def search(numbers, wanted):
    for number in iter(numbers.get, None):
        if number == wanted:
            print("found", number)


if __name__ == "__main__":
    use_start_method()
    numbers = Queue(maxsize=4)
    searcher = Process(target=search, args=(numbers, 3), name="searcher")
    searcher.start()
    for number in range(20):
        numbers.put(number)
    numbers.put(None)
    searcher.join()
