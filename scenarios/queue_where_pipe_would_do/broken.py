"""One process counts, another adds: a queue carries each number by itself."""

# methods: fork

from multiprocessing import Process, Queue

from stage import use_start_method


def produce(numbers):
    for number in range(60_000):
        numbers.put(number)
    numbers.put(None)


if __name__ == "__main__":
    use_start_method()
    numbers = Queue()  # expect: queue-where-pipe-would-do
    producer = Process(target=produce, args=(numbers,))
    producer.start()
    print(sum(iter(numbers.get, None)))
    producer.join()
