"""The manager's with block is left while a worker still uses its dict: the server behind the dict is gone."""

from multiprocessing import Event, Manager, Process

from stage import use_start_method


def vote(votes, begun, counted):
    begun.set()
    counted.wait(5)
    votes["ada"] = 1  # expect: manager-died
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
