"""Workers end with a status, and their parent reads it and acts on it."""

import sys
from multiprocessing import Process

from stage import use_start_method


def probe(port):
    if port % 2:
        sys.exit(3)


if __name__ == "__main__":
    use_start_method()
    probes = {port: Process(target=probe, args=(port,)) for port in (8000, 8001, 8002)}
    for process in probes.values():
        process.start()
    for port, process in probes.items():
        process.join()
        print(port, "free" if process.exitcode == 0 else f"taken ({process.exitcode})")
