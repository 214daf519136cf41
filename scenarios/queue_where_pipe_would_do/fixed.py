"""One process counts, another adds: a pipe carries the numbers."""

# methods: fork

from multiprocessing import Pipe, Process

from stage import use_start_method


def produce(numbers):
    for number in range(60_000):
        numbers.send(number)
    numbers.send(None)


if __name__ == "__main__":
    use_start_method()
    reader, writer = Pipe(duplex=False)
    producer = Process(target=produce, args=(writer,))
    producer.start()
    print(sum(iter(reader.recv, None)))
    producer.join()
