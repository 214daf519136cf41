"""The boards of the job's recorder files, read while it runs: who waits for what, without a timeout, and since when."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from struct import Struct
from zlib import crc32

from mptrace.observe.rest import Rest, RestOfAll
from mptrace.wire import layout
from mptrace.wire.rundir import PROCESSES, parse_name
from mptrace.wire.wait import TIMED

_THREAD = Struct(f"<{layout.THREAD_WORDS}Q")
_HELD = Struct(f"<{layout.LOCKS}Q")
_CELLS = Struct(f"<{layout.LOCKS * layout.CELL_WORDS}Q")
_WORD = Struct("<Q")
_FEW_THREADS = 8
_FEW = layout.BOARD + _FEW_THREADS * _THREAD.size
_TALLIES = Struct(f"<{layout.TALLIES * layout.TALLY_WORDS}Q")


@dataclass(frozen=True, slots=True)
class BoardWait:
    """A wait slot in use; ``key`` unsigned, ``since_ns`` CLOCK_MONOTONIC."""

    pid: int
    tid: int
    kind: int
    family: int
    key: int
    since_ns: int
    timed: bool

    @property
    def identity(self) -> tuple[int, int, int]:
        """The same as long as it is the same wait."""
        return self.pid, self.tid, self.since_ns


@dataclass(slots=True)
class Boards:
    """What the boards said at one look. ``checksums``: of each process's board: a thread that begins a wait changes it.

    ``ran``: nanoseconds that each process had run before it was looked at, -1 where that cannot be told.
    """

    waits: list[BoardWait] = field(default_factory=list)
    checksums: dict[int, int] = field(default_factory=dict)
    ran: dict[int, int] = field(default_factory=dict)

    def old_untimed(self, now_ns: int, age_ns: int) -> list[BoardWait]:
        """Return the waits without a timeout that have lasted so long."""
        return [wait for wait in self.waits if not wait.timed and now_ns - wait.since_ns >= age_ns]


TICK_NS = 50_000_000
"""Times of files are those of the kernel's last tick (inode_set_ctime_current; at most 10 ms ago), with a margin."""


class RecorderFiles:
    """The recorder files of a run directory: newest by process, and all of them; listed anew only when one was added."""

    def __init__(self, run_path: str) -> None:
        self.directory = os.path.join(run_path, PROCESSES)
        self.newest: dict[int, str] = {}
        self.all: list[str] = []
        self.listings = 0
        self._changed = -1

    def refresh(self) -> None:
        """Take in new files."""
        try:
            changed = os.stat(self.directory).st_mtime_ns
            if changed == self._changed:
                return
            names = os.listdir(self.directory)
        except OSError:
            return
        settled = time.time_ns() - changed > TICK_NS  # else another file may come with the same time of change
        self._changed = changed if settled else -1
        firsts = [(parsed, name) for name in names if (parsed := parse_name(name)) and not parsed[2]]
        found = [name for _, name in firsts]
        self.listings += found != self.all
        self.all = found
        self.newest = {pid: name for (pid, _, _), name in sorted(firsts)}

    def read(self, name: str, size: int = layout.SIZE) -> bytes:
        """Return the first bytes of a file, b"" if it cannot be read."""
        try:
            descriptor = os.open(os.path.join(self.directory, name), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            return os.read(descriptor, size)
        except OSError:
            return b""
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Board:
    name: str
    checksum: int
    waits: list[BoardWait]


class BoardReader:
    """Reads the boards again and again; the board of a process that has not run is what it was."""

    def __init__(self, files: RecorderFiles) -> None:
        self._files, self._rest = files, Rest()
        self._kept: dict[int, _Board] = {}
        self._all, self._last, self._listed = RestOfAll(), Boards(), -1

    def read(self, pids: Collection[int]) -> Boards:
        """Read the boards of these processes; the same object as the last time, if nothing has changed."""
        self._files.refresh()
        if not self._all.have_run(pids) and self._listed == self._files.listings:
            return self._last
        self._listed = self._files.listings
        self._last = self._read(pids)
        return self._last

    def _read(self, pids: Collection[int]) -> Boards:
        boards, kept = Boards(), dict[int, _Board]()
        for pid in pids:
            board = self._board(pid)
            boards.ran[pid] = self._rest.ran_ns(pid)
            if board is not None:
                kept[pid] = board
                boards.checksums[pid] = board.checksum
                boards.waits += board.waits
        for gone in self._kept.keys() - kept.keys():
            self._rest.forget(gone)
        self._kept = kept
        return boards

    def _board(self, pid: int) -> _Board | None:
        has_run, name, old = self._rest.has_run(pid), self._files.newest.get(pid), self._kept.get(pid)
        if old is not None and old.name == name and not has_run:
            return old
        data = _read_board(self._files, name) if name else b""
        return _Board(name, crc32(data), list(_waits(pid, data))) if name and data else None


def read_boards(files: RecorderFiles, pids: Collection[int]) -> Boards:
    """Read the boards of these processes once."""
    return BoardReader(files).read(pids)


def _read_board(files: RecorderFiles, name: str) -> bytes:
    """Read no more of a board than its threads take: with a thousand processes that is what a look costs."""
    data = files.read(name, _FEW)
    if len(data) < _FEW:
        return b""
    (last,) = _WORD.unpack_from(data, layout.BOARD + (_FEW_THREADS - 1) * _THREAD.size)
    return data if last == 0 else files.read(name, layout.HELD)


def threads(data: bytes) -> Iterator[tuple[int, ...]]:
    """Yield the words of the entries in use; the first one that was never used is the end."""
    for at in range(layout.BOARD, min(layout.HELD, len(data)), _THREAD.size):
        words = _THREAD.unpack_from(data, at)
        if words[layout.T_STATE] == 0 and words[layout.T_IDENT] == 0:
            return
        if words[layout.T_STATE] == 1:
            yield words


def _waits(pid: int, data: bytes) -> Iterator[BoardWait]:
    for words in threads(data):
        slot = words[layout.T_WAIT :]
        state = slot[layout.S_STATE]
        if state:
            yield BoardWait(
                pid,
                words[layout.T_TID] & 0xFFFFFFFF,
                state & 0xFF,
                state >> 8 & 0xFF,
                slot[layout.S_KEY],
                slot[layout.S_SINCE],
                bool(state >> 16 & TIMED),
            )


def held_locks(data: bytes) -> dict[int, int]:
    """Return key -> native tid of the locks that are held according to one process's file; tid 0: its thread is not on the board."""
    held = _HELD.unpack_from(data, layout.HELD)
    if not any(held):
        return {}
    cells = _CELLS.unpack_from(data, layout.CELLS)
    tids = {words[layout.T_IDENT]: words[layout.T_TID] & 0xFFFFFFFF for words in threads(data)}
    return {cells[number * layout.CELL_WORDS]: tids.get(ident, 0) for number, ident in enumerate(held) if ident}


def connection_keys(data: bytes) -> set[int]:
    """Return the keys of the connections that one process has used."""
    words = _TALLIES.unpack_from(data, layout.TALLY)
    return {key for key in words[:: layout.TALLY_WORDS] if key}
