"""Shell commands run in a pool; the exception of a failing one cannot be rebuilt in the parent.

After amoffat/sh#458 and python/cpython#79492: the exception wants two arguments and gives its base class one.
"""

# hangs: yes

import subprocess
from multiprocessing import Pool

from stage import use_start_method


class CommandError(Exception):
    """A command ended with a status that is not 0."""


class ExitStatus(CommandError):
    def __init__(self, command, status):
        self.command = command
        self.status = status
        super().__init__(f"{' '.join(command)} ended with {status}")


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise ExitStatus(command, done.returncode)  # expect: exception-loses-args names=ExitStatus
    return done.stdout


def run_all(commands):
    with Pool(2) as pool:
        pending = [(command, pool.apply_async(run, (command,))) for command in commands]
        for command, result in pending:
            try:
                print(" ".join(command), "->", result.get())  # expect: exception-loses-args waiter
            except CommandError as error:
                print("failed:", error)


if __name__ == "__main__":
    use_start_method()
    run_all([["echo", "one"], ["false"], ["echo", "three"]])
