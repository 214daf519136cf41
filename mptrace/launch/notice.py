"""Lines of ours on the job's stderr: each in one write, so that it is never torn by what the job writes."""

from __future__ import annotations

import contextlib
import os


def say(text: str) -> None:
    """Write a line or a whole report to stderr; a closed stderr is no trouble."""
    with contextlib.suppress(OSError):
        os.write(2, (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace"))
