"""A command-line function that ends with sys.exit() is used as a task of a pool.

After ray-project/ray#1049 and python/cpython#101081: SystemExit passes by the worker's `except Exception`.
"""

# hangs: yes

import sys
from multiprocessing import Pool

from stage import use_start_method


def convert(path):
    """Convert one file; the body of what used to be a script."""
    if not path.endswith(".csv"):
        print(f"convert: {path}: not a table", file=sys.stderr)
        sys.exit(2)  # expect: pool-worker-died
    return path.replace(".csv", ".parquet")


def convert_folder(paths):
    with Pool(3) as pool:
        results = [pool.apply_async(convert, (path,)) for path in paths]
        pool.close()
        return [result.get() for result in results]  # expect: pool-worker-died waiter


if __name__ == "__main__":
    use_start_method()
    paths = ["2019.csv", "2020.csv", "notes.txt", "2021.csv"]
    for path in convert_folder(paths):
        print(path)
