"""A barrier for three parties, but only two come to it."""

# hangs: yes

from multiprocessing import Barrier, Process

from stage import use_start_method

WORKERS = 2


def simulate(barrier, part):
    print("part", part, "computed", flush=True)
    barrier.wait()  # expect: barrier-short waiter
    print("part", part, "exchanged")


if __name__ == "__main__":
    use_start_method()
    barrier = Barrier(WORKERS + 1)
    workers = [Process(target=simulate, args=(barrier, part), name=f"part-{part}") for part in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
