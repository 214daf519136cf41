"""A consumer leaves out empty lines, and with them their task_done(): the queue's join() waits for ever."""

# hangs: yes

from multiprocessing import JoinableQueue, Process

from stage import use_start_method


def consume(lines):
    while True:
        line = lines.get()
        if not line:
            continue
        print(line.upper(), flush=True)
        lines.task_done()


if __name__ == "__main__":
    use_start_method()
    lines = JoinableQueue()
    Process(target=consume, args=(lines,), name="printer", daemon=True).start()
    for line in ["first", "", "third"]:
        lines.put(line)
    lines.join()  # expect: queue-join-unfinished waiter
