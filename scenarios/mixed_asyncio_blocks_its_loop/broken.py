"""A coroutine of a child waits, without await, for a thread; the thread waits for another coroutine of the same loop."""

# hangs: yes
# root: all-asleep

import asyncio
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Process

from stage import use_start_method


async def price():
    return 21


def order(loop):
    return 2 * asyncio.run_coroutine_threadsafe(price(), loop).result()  # expect: all-asleep waiter names=result


async def shop():
    with ThreadPoolExecutor(1) as clerks:
        print(clerks.submit(order, asyncio.get_running_loop()).result())  # expect: all-asleep waiter names=shop


def serve():
    asyncio.run(shop())


if __name__ == "__main__":
    use_start_method()
    child = Process(target=serve, name="shop")
    child.start()
    child.join()
