"""The script starts a process under the main guard, which a child that imports the script does not pass."""

# methods: spawn forkserver

from stage import context


def greet(name):
    print("hello", name)


if __name__ == "__main__":
    worker = context().Process(target=greet, args=("world",), name="greeter")
    worker.start()
    worker.join()
