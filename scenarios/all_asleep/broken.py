"""Parent and child each wait for the other to speak first."""

# hangs: yes

from multiprocessing import Pipe, Process

from stage import use_start_method


def answer(connection):
    question = connection.recv()  # expect: all-asleep waiter
    connection.send(question.upper())


if __name__ == "__main__":
    use_start_method()
    here, there = Pipe()
    oracle = Process(target=answer, args=(there,), name="oracle")
    oracle.start()
    print(here.recv())  # expect: all-asleep waiter
    oracle.join()
