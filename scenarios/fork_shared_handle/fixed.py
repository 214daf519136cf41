"""Two forked workers ask a service through one connection, one after the other: a lock is held around question and answer."""

# methods: fork

from multiprocessing import Barrier, Lock, Pipe, Process

from stage import meet, use_start_method


def serve(questions):
    while (number := questions.recv()) is not None:
        questions.send(number * number)


def ask(service, number, everybody, turn):
    with turn:
        service.send(number)
        meet(everybody)
        service.recv()
    meet(everybody)


if __name__ == "__main__":
    use_start_method()
    ours, theirs = Pipe()
    everybody, turn = Barrier(2), Lock()
    server = Process(target=serve, args=(theirs,))
    workers = [Process(target=ask, args=(ours, number, everybody, turn)) for number in (2, 3)]
    for process in [server, *workers]:
        process.start()
    for worker in workers:
        worker.join()
    ours.send(None)
    server.join()
