"""An event loop that gives work to processes and waits for them without a timeout."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor

from stage import context, patience


def compute(seconds):
    time.sleep(seconds)
    return seconds >= 0


async def main():
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, mp_context=context()) as executor:
        jobs = [loop.run_in_executor(executor, compute, seconds) for seconds in (0.1, patience())]
        print(await asyncio.gather(*jobs))


if __name__ == "__main__":
    asyncio.run(main())
