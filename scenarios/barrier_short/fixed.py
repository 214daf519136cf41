"""A barrier for as many parties as come to it."""

from multiprocessing import Barrier, Process

from stage import use_start_method

WORKERS = 2


def simulate(barrier, part):
    print("part", part, "computed", flush=True)
    barrier.wait()
    print("part", part, "exchanged")


if __name__ == "__main__":
    use_start_method()
    barrier = Barrier(WORKERS)
    workers = [Process(target=simulate, args=(barrier, part), name=f"part-{part}") for part in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
