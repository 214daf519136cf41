"""The script starts a process in its body: the child imports the script and would start one, too."""

# methods: spawn forkserver

from stage import context


def greet(name):
    print("hello", name)


worker = context().Process(target=greet, args=("world",), name="greeter")
worker.start()  # expect: missing-main-guard
worker.join()
