"""The child that writes the results is joined before the program ends."""

import os
import tempfile
import time
from multiprocessing import Event, Process

from stage import use_start_method


def save(path, rows, begun):
    with open(path, "w", encoding="utf-8") as file:
        for row in range(rows):
            file.write(f"{row}\n")
            begun.set()
            time.sleep(0.01)


if __name__ == "__main__":
    use_start_method()
    path = os.path.join(tempfile.mkdtemp(), "rows.txt")
    begun = Event()
    saver = Process(target=save, args=(path, 50, begun), name="saver", daemon=True)
    saver.start()
    begun.wait()
    print("saving")
    saver.join()
