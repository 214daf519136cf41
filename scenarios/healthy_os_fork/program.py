"""os.fork() and a pipe, without multiprocessing."""

# methods: fork

import os
import time

from stage import patience

if __name__ == "__main__":
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        time.sleep(patience())
        os.write(writer, b"from the child")
        os._exit(0)
    os.close(writer)
    print(os.read(reader, 100).decode())
    print(os.waitpid(pid, 0)[1])
    os.close(reader)
