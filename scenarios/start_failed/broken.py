"""The script refuses to be imported, which is what a spawned child does with it first."""

# methods: spawn forkserver

from multiprocessing import Process

from stage import use_start_method

if __name__ != "__main__":
    raise ImportError("this is a script: run it")  # expect: start-failed


def greet(name):
    print("hello,", name)


if __name__ == "__main__":
    use_start_method()
    greeter = Process(target=greet, args=("ada",), name="greeter")
    greeter.start()
    greeter.join()
