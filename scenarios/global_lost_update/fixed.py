"""Workers count in a Value, which they share with their parent."""

from multiprocessing import Process, Value

from stage import use_start_method


def download(url, finished):
    with finished.get_lock():
        finished.value += 1


if __name__ == "__main__":
    use_start_method()
    finished = Value("i", 0)
    workers = [Process(target=download, args=(url, finished)) for url in ("a.example", "b.example")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(finished.value, "downloads")
