"""A worker gives back its seat, however it leaves."""

from multiprocessing import Process, Semaphore

from stage import use_start_method


def download(seats, url):
    with seats:
        if not url:
            return
        print("downloaded", url, flush=True)


if __name__ == "__main__":
    use_start_method()
    seats = Semaphore(2)
    for url in ["a.example", "", "b.example", "", "c.example"]:
        worker = Process(target=download, args=(seats, url), name=f"download {url}")
        worker.start()
        worker.join()
