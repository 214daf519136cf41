"""``python -m mptrace``."""

import os
import sys


def _leave_directory_to_the_job() -> None:
    """``-m`` put the working directory first on our path: a ``click.py`` of the program's must not become ours."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.path and sys.path[0] in ("", os.getcwd()) and os.getcwd() != here:
        del sys.path[0]


if __name__ == "__main__":
    _leave_directory_to_the_job()
    from mptrace.cli.command import main

    main()
