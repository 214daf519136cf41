"""A static method is sent to a pool, which needs nothing of its object."""

import threading
from multiprocessing import Pool

from stage import use_start_method


class Crawler:
    def __init__(self, urls):
        self.urls = urls
        self.cache_lock = threading.Lock()

    @staticmethod
    def fetch(url):
        return len(url)

    def run(self):
        with Pool(2) as pool:
            return pool.map(self.fetch, self.urls)


if __name__ == "__main__":
    use_start_method()
    print(Crawler(["https://a.example", "https://b.example/2"]).run())
