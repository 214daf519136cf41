"""The consumer ends when it has found what it looked for; the parent goes on filling the bounded queue."""

# hangs: yes

from multiprocessing import Process, Queue

from stage import use_start_method


def search(numbers, wanted):
    for number in iter(numbers.get, None):
        if number == wanted:
            print("found", number)
            return


if __name__ == "__main__":
    use_start_method()
    numbers = Queue(maxsize=4)
    searcher = Process(target=search, args=(numbers, 3), name="searcher")
    searcher.start()
    for number in range(20):
        numbers.put(number)  # expect: queue-put-no-consumer waiter
    numbers.put(None)
    searcher.join()
