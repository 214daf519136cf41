"""A manager's dict and lock, shared by workers, while everybody waits for the slowest."""

import time
from multiprocessing import Manager, Process

from stage import patience, use_start_method


def vote(votes, lock, name, seconds):
    time.sleep(seconds)
    with lock:
        votes[name] = votes.get(name, 0) + 1


if __name__ == "__main__":
    use_start_method()
    with Manager() as manager:
        votes, lock = manager.dict(), manager.Lock()
        voters = [
            Process(target=vote, args=(votes, lock, name, seconds))
            for name, seconds in [("ada", 0), ("ada", 0.1), ("grace", patience())]
        ]
        for voter in voters:
            voter.start()
        for voter in voters:
            voter.join()
        print(sorted(votes.items()))
