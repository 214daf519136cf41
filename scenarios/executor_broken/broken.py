"""A worker of an executor is killed for its memory; every future of the executor fails."""

# exit: 1

import os
import signal
from concurrent.futures import ProcessPoolExecutor

from stage import context

MEMORY = 500


def resize(megabytes):
    if megabytes > MEMORY:  # the kernel, out of memory
        os.kill(os.getpid(), signal.SIGKILL)  # expect: executor-broken death
    return megabytes // 4


if __name__ == "__main__":
    images = [120, 900, 80, 40]
    with ProcessPoolExecutor(2, mp_context=context()) as executor:
        print(sum(executor.map(resize, images)))
