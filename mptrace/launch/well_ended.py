"""Recordings of processes that ended well and told nothing but their life: beyond a number of them, a line of each is kept.

A job that starts ten processes a second has written five gigabytes in two hours otherwise. Their starts and ends stay whole, in
the recording of their parent and in the observer's; failures, and whatever else was told, are never dropped.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from struct import Struct

from mptrace.observe.boards import RecorderFiles
from mptrace.wire import layout
from mptrace.wire.event import BODY, PREFIX
from mptrace.wire.events import processes, resources, sites, tasks
from mptrace.wire.rundir import DROPPED, MOMENTS, RECORDING

KEPT = 2000
A_ROUND = 2000
"""So many are looked at in one go."""

_LIFE = frozenset(
    kind.number
    for kind in (
        processes.BOOTED, processes.RUNNING, processes.RETURNED, processes.EXITING, processes.BOOTSTRAP_PHASE,
        processes.IMPORTED, processes.FORK_THREADS, processes.FORK_THREAD, sites.SITE, sites.STACK, sites.TEXT_SEEN,
        tasks.WORKER, resources.KNOWN, resources.USED_AFTER_FORK, resources.HANDLE_USED, resources.END_CLOSED,
    )
)  # fmt: skip
_HEADER = Struct("<64Q")
_HELD = Struct(f"<{layout.LOCKS}Q")
_TALLY = Struct(f"<{layout.TALLY_WORDS}Q")
_LOST = (layout.H_LOST_LOG, layout.H_LOST_THREADS, layout.H_LOST_LOCKS, layout.H_LOST_TALLIES, layout.H_LOST_DOING)


class WellEnded:
    """``ended``: pids of processes that ended with status 0, in order; another thread adds to it.

    What a fork left in a process, and which connections it used, is told by those that are kept, of the same program.
    """

    def __init__(self, run_path: str, files: RecorderFiles, ended: deque[int]) -> None:
        self.dropped = 0
        self._path, self._files, self._ended = run_path, files, ended

    def tidy(self) -> None:
        """Drop the oldest of those that are too many."""
        many = min(A_ROUND, len(self._ended) - KEPT)
        if many > 0:
            self._files.refresh()  # one that began and ended since the last look is not listed yet
        for _ in range(many):
            name = self._files.newest.get(self._ended.popleft())
            if name is not None and self._drop(name):
                self.dropped += 1

    def _drop(self, name: str) -> bool:
        path = os.path.join(self._files.directory, name)
        data = self._files.read(name, layout.SIZE + 1)
        if not tells_its_life_only(data) or os.path.exists(f"{path}.1"):
            return False
        try:
            self._note(name, data)
            os.unlink(path)
            self._forget_in_moments(name)
        except OSError:  # without room for the line, the whole of it stays
            return False
        return True

    def _forget_in_moments(self, name: str) -> None:
        """Moments link to the files of ended processes: one that held nothing says nothing there."""
        folder = os.path.join(self._path, MOMENTS)
        for moment in os.listdir(folder):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, moment, name))

    def _note(self, name: str, data: bytes) -> None:
        cells = (_TALLY.unpack_from(data, layout.TALLY + number * _TALLY.size) for number in range(layout.TALLIES))
        counts = (":".join(map(str, cell)) for cell in cells if cell[0] and any(cell[1:3]))
        line = " ".join((name.removesuffix(RECORDING), *counts)) + "\n"
        descriptor = os.open(os.path.join(self._path, DROPPED), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, line.encode()) < len(line):
                raise OSError(28, os.strerror(28))
        finally:
            os.close(descriptor)


def tells_its_life_only(data: bytes) -> bool:
    """Did this process end in an orderly way, hold nothing, lose nothing, and tell of nothing but that it lived?"""
    if len(data) != layout.SIZE or data[:8] != layout.MAGIC:
        return False
    words = _HEADER.unpack_from(data)
    if not words[layout.H_ENDED] or any(words[word] for word in _LOST) or any(_HELD.unpack_from(data, layout.HELD)):
        return False
    return _kinds(data) <= _LIFE


def _kinds(data: bytes) -> set[int]:
    found, at = set(), layout.LOG
    while at + PREFIX.size + BODY.size <= len(data):
        length, _ = PREFIX.unpack_from(data, at)
        if not length:
            break
        found.add(BODY.unpack_from(data, at + PREFIX.size)[0])
        at += PREFIX.size + length + (-length & 7)
    return found
