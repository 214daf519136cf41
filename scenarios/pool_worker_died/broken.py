"""One image is too large for the memory there is: its worker is killed, and map() waits for it for ever."""

# hangs: yes

import os
import signal
from multiprocessing import Pool

from stage import use_start_method

MEMORY = 500


def resize(megabytes):
    if megabytes > MEMORY:
        os.kill(os.getpid(), signal.SIGKILL)  # stands for the kernel, out of memory
    return megabytes // 4


if __name__ == "__main__":
    use_start_method()
    images = [120, 900, 80, 40]
    with Pool(2) as pool:
        print(sum(pool.map(resize, images, chunksize=1)))  # expect: pool-worker-died waiter
