"""A job is cancelled by killing its process, which had the lock that all jobs write their results under.

After richardsheridan/trio-parallel#25 and python-microscope/microscope#20: a semaphore does not know that its owner died.
"""

# hangs: yes

import time
from multiprocessing import Event, Lock, Process

from stage import use_start_method


class ResultFile:
    """Lines of results, written by one job at a time."""

    def __init__(self, lock):
        self.lock = lock

    def save(self, job, blocks, writing=None):
        with self.lock:  # expect: lock-holder-died waiter
            for block in range(blocks):
                if writing is not None and block == 1:
                    writing.set()
                time.sleep(0.01)


def run(job, results, blocks, writing):
    results.save(job, blocks, writing)


def cancel(process):
    process.kill()
    process.join()


if __name__ == "__main__":
    use_start_method()
    results = ResultFile(Lock())
    writing = Event()
    long_job = Process(target=run, args=("long", results, 100_000, writing), name="long-job")
    long_job.start()
    writing.wait()
    cancel(long_job)
    jobs = [Process(target=run, args=(name, results, 3, None), name=name) for name in ("short-1", "short-2")]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    print("all jobs done")
