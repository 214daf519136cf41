"""Idle workers and a main process that joins them: only its handler for SIGTERM puts the sentinels, and somebody sends that."""

import os
import signal
import subprocess
from multiprocessing import Process, Queue

from stage import patience, use_start_method


def serve(requests):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for request in iter(requests.get, None):
        print("served", request, flush=True)


def main():
    use_start_method()
    requests = Queue()
    servers = [Process(target=serve, args=(requests,)) for _ in range(2)]
    signal.signal(signal.SIGTERM, lambda *_: [requests.put(None) for _ in servers])
    for server in servers:
        server.start()
    requests.put("index.html")
    timer = f"sleep {patience()}; kill -TERM {os.getpid()}"
    subprocess.Popen(["setsid", "-f", "sh", "-c", timer]).wait()  # as a supervisor would, from outside
    for server in servers:
        server.join()
    print("stopped")


if __name__ == "__main__":
    main()
