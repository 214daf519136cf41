"""The parent expects a result for every row, but the reader leaves out the empty ones and ends."""

# hangs: yes

from multiprocessing import Process, Queue

from stage import use_start_method

ROWS = ["ada,36", "grace,45", "", "edsger,41"]


def parse(rows, results):
    for row in rows:
        if row:
            results.put(row.split(","))


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    reader = Process(target=parse, args=(ROWS, results), name="reader")
    reader.start()
    for _ in ROWS:
        print(results.get())  # expect: queue-get-no-producer waiter
    reader.join()
