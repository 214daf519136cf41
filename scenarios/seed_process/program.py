"""The plain example of Process."""

from multiprocessing import Process

from stage import use_start_method


def greet(name):
    print("hello", name)


if __name__ == "__main__":
    use_start_method()
    process = Process(target=greet, args=("bob",))
    process.start()
    process.join()
