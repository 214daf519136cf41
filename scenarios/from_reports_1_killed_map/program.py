"""A reconstruction matches image pairs in a pool; one worker is killed for its memory, and the progress stops for ever.

After mapillary/OpenSfM#190 and python/cpython#82265: the pool starts a new worker, and nobody misses the pair.
"""

# hangs: yes

import os
import signal
import time
from itertools import combinations
from multiprocessing import Pool

from stage import use_start_method


class Matcher:
    def __init__(self, limit):
        self.limit = limit

    def match(self, first, second):
        features = first["features"] * second["features"]
        if features > self.limit:
            os.kill(os.getpid(), signal.SIGKILL)  # the kernel, out of memory
        time.sleep(0.01)
        return first["name"], second["name"], features // 10


def match_pair(task):
    matcher, first, second = task
    return matcher.match(first, second)


def match_all(images, processes):
    matcher = Matcher(limit=10_000)
    pairs = [(matcher, first, second) for first, second in combinations(images, 2)]
    matches = {}
    with Pool(processes) as pool:
        for first, second, found in pool.imap_unordered(match_pair, pairs):  # expect: pool-worker-died waiter
            matches[first, second] = found
    return matches


if __name__ == "__main__":
    use_start_method()
    images = [{"name": f"img_{index}.jpg", "features": 20 + 10 * index} for index in range(8)]
    images.append({"name": "panorama.jpg", "features": 150})
    print(len(match_all(images, processes=3)), "pairs matched")
