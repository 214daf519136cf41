"""A daemonic child writes the results while the program ends, and is ended with it in the middle of that."""

import os
import tempfile
import time
from multiprocessing import Event, Process

from stage import use_start_method


def save(path, rows, begun):
    with open(path, "w", encoding="utf-8") as file:
        for row in range(rows):  # expect: daemon-cut-off verdict=likely
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
