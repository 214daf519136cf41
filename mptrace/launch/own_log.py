"""Our own log: launcher.log in the run directory; the user's logging and structlog are left alone."""

from __future__ import annotations

import os
from typing import Any, TextIO

import structlog

LAUNCHER_LOG = "launcher.log"


def open_log(run_path: str) -> Any:
    """Return a logger that writes key=value lines to the run directory, or nowhere if that is impossible."""
    try:
        file: TextIO = open(os.path.join(run_path, LAUNCHER_LOG), "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - for good
    except OSError:
        file = open(os.devnull, "a", encoding="utf-8")  # noqa: SIM115
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
