"""multiprocessing.connection.wait() over pipes of several children, read until each is at its end.

https://docs.python.org/3/library/multiprocessing.html#module-multiprocessing.connection
"""

import time
from multiprocessing import Pipe, Process, current_process
from multiprocessing.connection import wait

from stage import use_start_method


def count(writer):
    for number in range(5):
        writer.send((number, current_process().name))
        time.sleep(0.02)
    writer.close()


if __name__ == "__main__":
    use_start_method()
    readers = []
    processes = []
    for index in range(4):
        reader, writer = Pipe(duplex=False)
        readers.append(reader)
        process = Process(target=count, args=(writer,), name=f"counter-{index}")
        process.start()
        # closed here before the next child is made, so that only one process has each writer
        writer.close()
        processes.append(process)
    messages = []
    while readers:
        for reader in wait(readers):
            try:
                messages.append(reader.recv())
            except EOFError:
                readers.remove(reader)
                reader.close()
    print(sorted(messages))
    for process in processes:
        process.join()
