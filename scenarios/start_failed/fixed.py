"""What only the script itself does stands below the guard; a child may import the rest."""

# methods: spawn forkserver

from multiprocessing import Process

from stage import use_start_method


def greet(name):
    print("hello,", name)


if __name__ == "__main__":
    use_start_method()
    greeter = Process(target=greet, args=("ada",), name="greeter")
    greeter.start()
    greeter.join()
