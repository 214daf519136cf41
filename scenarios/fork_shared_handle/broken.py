"""Two forked workers ask a service through one connection: each may get the other's answer."""

# methods: fork

from multiprocessing import Barrier, Pipe, Process

from stage import meet, use_start_method


def serve(questions):
    while (number := questions.recv()) is not None:
        questions.send(number * number)


def ask(service, number, everybody):
    service.send(number)
    meet(everybody)
    service.recv()  # expect: fork-shared-handle verdict=likely
    meet(everybody)


if __name__ == "__main__":
    use_start_method()
    ours, theirs = Pipe()
    everybody = Barrier(2)
    server = Process(target=serve, args=(theirs,))
    workers = [Process(target=ask, args=(ours, number, everybody)) for number in (2, 3)]
    for process in [server, *workers]:
        process.start()
    for worker in workers:
        worker.join()
    ours.send(None)
    server.join()
