"""A worker that finds nothing to do leaves without giving back its seat, until no seat is left."""

# hangs: yes

from multiprocessing import Process, Semaphore

from stage import use_start_method


def download(seats, url):
    seats.acquire()  # expect: semaphore-never-released waiter
    if not url:
        return
    print("downloaded", url, flush=True)
    seats.release()


if __name__ == "__main__":
    use_start_method()
    seats = Semaphore(2)
    for url in ["a.example", "", "b.example", "", "c.example"]:
        worker = Process(target=download, args=(seats, url), name=f"download {url}")
        worker.start()
        worker.join()
