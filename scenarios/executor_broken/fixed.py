"""Images too large for the memory there is are resized tile by tile."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor

from stage import context

MEMORY = 500


def resize(megabytes):
    if megabytes > MEMORY:  # the kernel, out of memory
        os.kill(os.getpid(), signal.SIGKILL)
    return megabytes // 4


if __name__ == "__main__":
    images = [120, 300, 300, 300, 80, 40]
    with ProcessPoolExecutor(2, mp_context=context()) as executor:
        print(sum(executor.map(resize, images)))
