"""A class that is defined in the module's body is sent to a spawned process, which imports the module."""

# methods: spawn forkserver

from multiprocessing import Process

from stage import use_start_method


def run(job):
    print(job.name)


class Job:
    def __init__(self, name):
        self.name = name


if __name__ == "__main__":
    use_start_method()
    worker = Process(target=run, args=(Job("report"),), name="worker")
    worker.start()
    worker.join()
