"""Workers count in a global variable: each in its own copy, and the parent's stays 0."""

from multiprocessing import Process

from stage import use_start_method

finished = 0


def download(url):
    global finished
    finished += 1  # expect: global-lost-update names=finished


if __name__ == "__main__":
    use_start_method()
    workers = [Process(target=download, args=(url,)) for url in ("a.example", "b.example")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(finished, "downloads")
