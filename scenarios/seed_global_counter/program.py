"""A global counter incremented in two processes, while the parent prints 0."""

from multiprocessing import Process

from stage import use_start_method

counter = 0


def increment():
    global counter
    for _ in range(1000):
        counter += 1  # expect: global-lost-update names=counter,1000


if __name__ == "__main__":
    use_start_method()
    first = Process(target=increment)
    second = Process(target=increment)
    first.start()
    second.start()
    first.join()
    second.join()
    print(counter)
