"""A method is sent to a pool, and with it its object, which holds a lock."""

# exit: 1

import threading
from multiprocessing import Pool

from stage import use_start_method


class Crawler:
    def __init__(self, urls):
        self.urls = urls
        self.cache_lock = threading.Lock()

    def fetch(self, url):
        return len(url)

    def run(self):
        with Pool(2) as pool:
            return pool.map(self.fetch, self.urls)  # expect: unpicklable-argument names=cache_lock


if __name__ == "__main__":
    use_start_method()
    print(Crawler(["https://a.example", "https://b.example/2"]).run())
