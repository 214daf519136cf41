"""A Python started with -I, which uses multiprocessing unseen, and is waited for."""

import os
import subprocess
import sys

from stage import patience

INNER = """
import multiprocessing, sys, time
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
    time.sleep(float(sys.argv[1]))
"""

if __name__ == "__main__":
    print(os.environ.get("HOME") is not None)
    done = subprocess.run(
        [sys.executable, "-I", "-c", INNER, str(patience())], stdout=subprocess.PIPE, check=True, text=True
    )
    print(done.stdout, end="")
