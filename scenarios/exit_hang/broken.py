"""Jobs are put on a queue that nobody reads; the program cannot end, since the queue's thread cannot get rid of them."""

# hangs: yes

from multiprocessing import Queue

from stage import use_start_method


def fill(jobs, count):
    for number in range(count):
        jobs.put({"job": number, "text": "x" * 50})  # expect: exit-hang


if __name__ == "__main__":
    use_start_method()
    jobs = Queue()
    fill(jobs, 10_000)
    print("dry run: no worker started")
