"""A process is started for each number."""

# methods: fork

from multiprocessing import Process, SimpleQueue

from stage import use_start_method


def square(results, number):
    results.put(number * number)


if __name__ == "__main__":
    use_start_method()
    results, total = SimpleQueue(), 0
    for number in range(32):
        worker = Process(target=square, args=(results, number))
        worker.start()  # expect: process-churn
        total += results.get()
        worker.join()
    print(total)
