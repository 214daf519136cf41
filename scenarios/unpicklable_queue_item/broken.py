"""A page with an open lock inside is put on a queue: put() returns, and the item is dropped behind its back."""

# hangs: yes

import threading
from multiprocessing import Process, Queue

from stage import use_start_method


class Page:
    def __init__(self, url, text):
        self.url = url
        self.text = text
        self.lock = threading.Lock()


def crawl(urls, pages):
    for url in urls:
        page = Page(url, f"<h1>{url}</h1>")
        pages.put(page)  # expect: unpicklable-queue-item names=lock


if __name__ == "__main__":
    use_start_method()
    urls = ["a.example", "b.example"]
    pages = Queue()
    crawler = Process(target=crawl, args=(urls, pages), name="crawler")
    crawler.start()
    for _ in urls:
        print(pages.get())
    crawler.join()
