"""The programs of real life that `bench` times: ``python workloads_real.py NAME SIZE``; each needs packages of others."""

import multiprocessing as mp
import sys


def _take(queue, count):
    for _ in range(count):
        queue.get()


def arrays(size):
    """Arrays of 10 MB through a Queue."""
    import numpy as np

    queue, array = mp.Queue(2), np.zeros(10_000_000 // 8)
    child = mp.Process(target=_take, args=(queue, size))
    child.start()
    for _ in range(size):
        queue.put(array)
    child.join()


def forest(size):
    """A random forest fitted by two processes of joblib."""
    import joblib
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    random = np.random.default_rng(1)
    data = random.normal(size=(4000, 20))
    target = (data[:, 0] * data[:, 1] > 0).astype(int)
    with joblib.parallel_config(backend="loky"):
        RandomForestClassifier(max(size, 2), n_jobs=2, random_state=1).fit(data, target)


class Images:
    """A data set that has some work with each item."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size * 16

    def __getitem__(self, number):
        import torch

        image = torch.full((3, 64, 64), float(number))
        for _ in range(4):
            image = torch.nn.functional.avg_pool2d(image, 3, 1, 1)
        return image, number % 10


def dataloader(size):
    """Batches of 16 images from a DataLoader with two workers."""
    import torch

    torch.set_num_threads(1)
    total = 0.0
    for batch, _ in torch.utils.data.DataLoader(Images(size), batch_size=16, num_workers=2):
        total += float(batch.mean())


WORKLOADS = {f.__name__: f for f in (arrays, forest, dataloader)}

if __name__ == "__main__":
    WORKLOADS[sys.argv[1]](int(sys.argv[2]))
