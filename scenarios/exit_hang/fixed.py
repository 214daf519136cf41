"""Jobs that nobody will read are given up before the program ends."""

from multiprocessing import Queue

from stage import use_start_method


def fill(jobs, count):
    for number in range(count):
        jobs.put({"job": number, "text": "x" * 50})


if __name__ == "__main__":
    use_start_method()
    jobs = Queue()
    fill(jobs, 10_000)
    jobs.cancel_join_thread()
    print("dry run: no worker started")
