"""Write what was seen to observer.log: one record, one write, so that a reader finds whole records even if we are killed."""

from __future__ import annotations

import os
import time
from threading import Lock

from mptrace.wire.event import Kind, encode
from mptrace.wire.rundir import LOG_MAGIC, OBSERVER

LIMIT = 128 * 1024 * 1024
"""Most bytes that are written; what comes later is counted in `lost` (a day of samples of 64 processes is a tenth of it)."""


class ObserverLog:
    """Appends events; safe to use from any thread; a full disk makes it count losses instead of raising."""

    def __init__(self, run_path: str) -> None:
        self.lost = 0
        self._writing = Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(os.path.join(run_path, OBSERVER), flags, 0o600)
        self._size = os.fstat(self._descriptor).st_size
        if self._size == 0:
            self._size = os.write(self._descriptor, LOG_MAGIC)

    def write(self, kind: Kind, *values: int | str, at_ns: int = 0) -> None:
        """Append one event with its values in declared order; ``at_ns`` CLOCK_MONOTONIC, now by default."""
        record = encode(kind, 0, at_ns or time.monotonic_ns(), values)
        with self._writing:
            if self._size + len(record) > LIMIT or not self._append(record):
                self.lost += 1

    def _append(self, record: bytes) -> bool:
        """Write it as a whole or not at all: behind a torn record nothing could be read any more."""
        try:
            written = os.write(self._descriptor, record)
            if written < len(record):
                os.ftruncate(self._descriptor, self._size)
                return False
        except OSError:
            return False
        self._size += written
        return True

    def close(self) -> None:
        """Close the file; nothing may be written afterwards."""
        os.close(self._descriptor)
