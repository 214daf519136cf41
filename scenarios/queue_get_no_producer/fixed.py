"""The parent reads results until the reader says that there are no more."""

from multiprocessing import Process, Queue

from stage import use_start_method

ROWS = ["ada,36", "grace,45", "", "edsger,41"]


def parse(rows, results):
    for row in rows:
        if row:
            results.put(row.split(","))
    results.put(None)


if __name__ == "__main__":
    use_start_method()
    results = Queue()
    reader = Process(target=parse, args=(ROWS, results), name="reader")
    reader.start()
    for result in iter(results.get, None):
        print(result)
    reader.join()
