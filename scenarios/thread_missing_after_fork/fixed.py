"""A worker makes an executor of threads of its own."""

# methods: fork

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Process

from stage import use_start_method

uploads = ThreadPoolExecutor(1)


def upload(name):
    return f"{name} uploaded"


def work():
    with ThreadPoolExecutor(1) as own_uploads:
        print(own_uploads.submit(upload, "results").result())


if __name__ == "__main__":
    use_start_method()
    print(uploads.submit(upload, "settings").result())
    worker = Process(target=work, name="worker")
    worker.start()
    worker.join()
