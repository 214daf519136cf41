"""An idle worker is terminated inside get(), where it holds the queue's lock; its successor waits for that lock."""

# hangs: yes

import time
from multiprocessing import Process, Queue

from stage import use_start_method


def work(jobs, results):
    for job in iter(jobs.get, "stop"):  # expect: queue-lock-lost waiter
        results.put(job * job)


if __name__ == "__main__":
    use_start_method()
    jobs, results = Queue(), Queue()
    worker = Process(target=work, args=(jobs, results), name="worker")
    worker.start()
    jobs.put(3)
    print(results.get())
    time.sleep(0.5)  # nothing to do for a while: restart the worker with the new settings
    worker.terminate()
    worker.join()
    worker = Process(target=work, args=(jobs, results), name="successor")
    worker.start()
    jobs.put(4)
    print(results.get())
    jobs.put("stop")
    worker.join()
