"""A coroutine of a child waits for a thread; the thread waits for another coroutine of the same loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Process

from stage import use_start_method

async def price():
    return 21

def order(loop):
    return 2 * asyncio.run_coroutine_threadsafe(price(), loop).result()

async def shop():
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as clerks:
        print(await loop.run_in_executor(clerks, order, loop))

def serve():
    asyncio.run(shop())

if __name__ == "__main__":
    use_start_method()
    child = Process(target=serve, name="shop")
    child.start()
    child.join()
