"""The main process waits for another program while its workers wait for work."""

import subprocess
from multiprocessing import Pool

from stage import patience, use_start_method

if __name__ == "__main__":
    use_start_method()
    with Pool(2) as pool:
        done = subprocess.run(["sleep", str(patience())], check=True)
        print(pool.map(abs, [done.returncode, -1]))
