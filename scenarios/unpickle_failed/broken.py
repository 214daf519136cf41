"""A class that is defined under the main guard is sent to a spawned process, which has no such class."""

# methods: spawn forkserver

from multiprocessing import Process

from stage import use_start_method


def run(job):
    print(job.name)


if __name__ == "__main__":

    class Job:
        def __init__(self, name):
            self.name = name

    use_start_method()
    worker = Process(target=run, args=(Job("report"),), name="worker")
    worker.start()  # expect: unpickle-failed names=Job
    worker.join()
