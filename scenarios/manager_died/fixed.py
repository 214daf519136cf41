"""The worker that uses the manager's dict is joined before the manager's with block is left."""

from multiprocessing import Event, Manager, Process

from stage import use_start_method


def vote(votes, begun, counted):
    begun.set()
    counted.wait(5)
    votes["ada"] = 1
    print(dict(votes))


if __name__ == "__main__":
    use_start_method()
    begun, counted = Event(), Event()
    with Manager() as manager:
        votes = manager.dict()
        voter = Process(target=vote, args=(votes, begun, counted), name="voter")
        voter.start()
        begun.wait()
        counted.set()
        voter.join()
