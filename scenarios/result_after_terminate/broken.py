"""A result is asked for behind the pool's with block, which terminated the pool."""

# hangs: yes

import time
from multiprocessing import Pool

from stage import use_start_method


def render(page):
    time.sleep(0.3)
    return f"page {page}"


if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        pages = [pool.apply_async(render, (page,)) for page in range(4)]
    print([page.get() for page in pages])  # expect: result-after-terminate waiter
