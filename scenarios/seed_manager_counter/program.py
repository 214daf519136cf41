"""Two workers count in a manager's dict, and nothing is held between the reading and the writing."""

# root: unlocked-read-modify-write

from multiprocessing import Barrier, Manager, Process

from stage import use_start_method


def count(totals, together):
    together.wait()
    totals["seen"] += 1  # expect: unlocked-read-modify-write verdict=possible
    together.wait()


if __name__ == "__main__":
    use_start_method()
    together = Barrier(2)
    with Manager() as manager:
        totals = manager.dict(seen=0)
        workers = [Process(target=count, args=(totals, together)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
