"""A worker that lacks its settings leaves with os._exit(): no traceback, and nobody looks at its status."""

import os
from multiprocessing import Process, Queue

from stage import use_start_method


def serve(settings, served):
    if "port" not in settings:
        os._exit(3)  # expect: hard-exit
    served.put(settings["port"])


if __name__ == "__main__":
    use_start_method()
    served = Queue()
    servers = [
        Process(target=serve, args=({"port": 8001}, served), name="server-1"),
        Process(target=serve, args=({"host": "localhost"}, served), name="server-2"),
    ]
    for server in servers:
        server.start()
    print("serving on", served.get())
    for server in servers:
        server.join()
