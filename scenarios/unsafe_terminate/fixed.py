"""A worker is told through its queue to stop."""

from multiprocessing import Process, Queue

from stage import use_start_method


def work(jobs, results):
    for job in iter(jobs.get, None):
        results.put(job * 2)


if __name__ == "__main__":
    use_start_method()
    jobs, results = Queue(), Queue()
    worker = Process(target=work, args=(jobs, results), name="worker")
    worker.start()
    jobs.put(21)
    print(results.get())
    jobs.put(None)
    worker.join()
