"""A loader process puts batches on a queue; one of them holds something that cannot be pickled, and is dropped.

After KaiyangZhou/deep-person-reid#499 and python/cpython#109554: put() returned, the loader ended with 0, the trainer waits.
"""

# hangs: yes

from multiprocessing import Process, Queue

from stage import use_start_method


class Sample:
    def __init__(self, path, transform):
        self.path = path
        self.transform = transform
        self.pixels = [len(path)] * 16


class Dataset:
    def __init__(self, paths):
        self.paths = paths

    def batches(self, size):
        for start in range(0, len(self.paths), size):
            scale = start + 1
            yield [Sample(path, lambda pixel: pixel * scale) for path in self.paths[start : start + size]]


def load(paths, batches):
    for batch in Dataset(paths).batches(4):
        batches.put(batch)  # expect: unpicklable-queue-item names=transform
    batches.put(None)


def train(batches, count):
    seen = 0
    for _ in range(count):
        batch = batches.get()
        if batch is not None:
            seen += len(batch)
    return seen


if __name__ == "__main__":
    use_start_method()
    batches = Queue(maxsize=8)
    loader = Process(target=load, args=([f"img{n}.png" for n in range(8)], batches), name="loader")
    loader.start()
    print(train(batches, count=3), "samples")
    loader.join()
