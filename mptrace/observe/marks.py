"""New files in the run directory: each says which process has just begun to record."""

from __future__ import annotations

import os
from struct import Struct

from mptrace.observe import libc
from mptrace.wire.rundir import PROCESSES, RECORDING, SEEN

_IN_CREATE = 0x100
_EVENT = Struct("=iIII")
_BUFFER = 65536


class Marks:
    """Tells the pids that left a file since it was asked last; ``descriptor`` is -1 where inotify cannot be had."""

    def __init__(self, run_path: str) -> None:
        self.path = os.path.join(run_path, PROCESSES)
        self._known: set[str] = set()
        self._changed = 0
        try:
            self.descriptor = libc.watch_directory(self.path, _IN_CREATE)
        except OSError:  # too many watches on this machine: `take` lists the directory when it has changed
            self.descriptor = -1

    def take(self) -> list[int]:
        """Return the pids, in order of their files."""
        names = self._read_events() if self.descriptor >= 0 else self._list()
        return [int(name.partition("-")[0]) for name in names if name.endswith((RECORDING, SEEN)) and name[:1].isdigit()]

    def _read_events(self) -> list[str]:
        names: list[str] = []
        while True:
            try:
                data = os.read(self.descriptor, _BUFFER)
            except BlockingIOError:
                return names
            at = 0
            while at < len(data):
                _, _, _, length = _EVENT.unpack_from(data, at)
                names.append(os.fsdecode(data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")))
                at += _EVENT.size + length

    def _list(self) -> list[str]:
        try:
            changed = os.stat(self.path).st_mtime_ns
            if changed == self._changed:
                return []
            self._changed, found = changed, set(os.listdir(self.path))
        except OSError:
            return []
        fresh, self._known = found - self._known, found
        return sorted(fresh)
