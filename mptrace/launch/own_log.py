"""Our own log: launcher.log in the run directory; the user's logging and structlog are left alone."""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any, TextIO

import structlog

LAUNCHER_LOG = "launcher.log"
LIMIT = 8 << 20
"""Most bytes of it that one launcher writes."""


class _Unbroken(io.StringIO):
    """A text file that loses what it cannot write: whoever logs is dealing with some other trouble already."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._room = LIMIT

    def write(self, text: str, /) -> int:
        """Write it, or not."""
        data = text.encode("utf-8", "backslashreplace")
        if len(data) <= self._room:
            self._room -= len(data)
            with contextlib.suppress(OSError):
                os.write(self._descriptor, data)
        return len(text)


def open_log(run_path: str) -> Any:
    """Return a logger that writes key=value lines to the run directory, or nowhere if that is impossible."""
    try:
        file: TextIO = _Unbroken(os.path.join(run_path, LAUNCHER_LOG))
    except OSError:
        file = _Unbroken(os.devnull)
    return structlog.wrap_logger(
        structlog.WriteLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.BoundLogger,
    )
