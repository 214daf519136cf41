"""Write a recorder file for a process that has none, from what was seen of it outside: the same bytes as the agent's."""

from __future__ import annotations

import os
import time
from struct import pack_into

from mptrace.attach.seen import Frame, SeenThread, SeenWait
from mptrace.wire import layout
from mptrace.wire.event import Kind, encode
from mptrace.wire.events import sites
from mptrace.wire.rundir import recording_name
from mptrace.wire.wait import TIMED

STACK_DEPTH = 40
_MASK = (1 << 64) - 1


class RecorderFile:
    """One process's file in the making; `save` writes it and its segments."""

    def __init__(self, pid: int, ppid: int, opened_ns: int, parent_opened_ns: int = 0, *, forked: bool = False) -> None:
        self.pid, self.opened_ns = pid, opened_ns
        self._head = bytearray(layout.SIZE)
        self._segments: list[bytearray] = []
        self._log, self._at = self._head, layout.LOG
        self._threads = self._locks = 0
        self._sites: dict[tuple[str, int, str], int] = {}
        self._stacks: dict[tuple[int, ...], int] = {}
        flags = layout.ATTACHED | (layout.FORKED if forked else 0)
        self._header(self._head, ppid, flags, parent_opened_ns)

    def _header(self, into: bytearray, ppid: int = 0, flags: int = 0, parent_opened_ns: int = 0) -> None:
        log = layout.LOG if into is self._head else layout.HEADER_SIZE
        words = {
            layout.H_MAGIC: int.from_bytes(layout.MAGIC, "little"),
            layout.H_VERSION: layout.VERSION | layout.HEADER_SIZE << 32,
            layout.H_PID: self.pid,
            layout.H_PPID: ppid,
            layout.H_TID: self.pid,
            layout.H_OPENED: self.opened_ns,
            layout.H_REALTIME: time.time_ns() - (time.monotonic_ns() - self.opened_ns),
            layout.H_FLAGS: flags,
            layout.H_PARENT_OPENED: parent_opened_ns,
            layout.H_SEGMENT: len(self._segments),
            layout.H_LOG: log,
            layout.H_LOG_SIZE: layout.SIZE - layout.LOG if into is self._head else layout.SEGMENT_LOG_SIZE,
            layout.H_SIZE: len(into),
        }
        for word, value in words.items():
            self._put(into, word, value)

    @staticmethod
    def _put(into: bytearray, word: int, *values: int) -> None:
        pack_into(f"<{len(values)}Q", into, word * 8, *(value & _MASK for value in values))

    def lose(self, counter: int, count: int = 1) -> None:
        """Count something that could not be looked at, in the header word ``counter``."""
        self._put(self._head, counter, int.from_bytes(self._head[counter * 8 : counter * 8 + 8], "little") + count)

    def add_holder(self, ident: int, tid: int) -> None:
        """Give a thread of which nothing else is known its entry on the board."""
        self._put(self._head, layout.BOARD // 8 + self._threads * layout.THREAD_WORDS, ident, tid, 1)
        self._threads += 1

    def add_thread(self, thread: SeenThread, seen_ns: int) -> None:
        """Give a thread its entry on the board, with its wait and its intent; ``seen_ns``: when it was first seen waiting."""
        if self._threads >= layout.THREADS:
            self.lose(layout.H_LOST_THREADS)
            return
        entry = layout.BOARD // 8 + self._threads * layout.THREAD_WORDS
        self._threads += 1
        self._put(self._head, entry, thread.ident or thread.tid, thread.tid, 1)
        since_ns = thread.since_ns or seen_ns
        stack = self.stack(thread.frames)
        for word, wait in ((layout.T_WAIT, thread.wait), (layout.T_INTENT, thread.intent)):
            if wait is not None:
                self._put(self._head, entry + word, *self._slot(wait, since_ns, self.place(thread.frames), stack))

    @staticmethod
    def _slot(wait: SeenWait, since_ns: int, site: int, stack: int) -> tuple[int, ...]:
        flags = 0 if wait.timeout_ns is None else TIMED
        timeout_ns = 0 if wait.timeout_ns is None else wait.timeout_ns
        return (wait.kind | wait.family << 8 | flags << 16, wait.key, since_ns, timeout_ns, site, wait.detail, stack)

    def do(self, pool: int, task: int, tid: int, text: str = "", since_ns: int = 0) -> None:
        """Say that a thread is in the middle of a task of a pool; ``task``: number of the job and, below it, of its part."""
        data = text.encode("utf-8", "replace")[: layout.DOING_SIZE - 40]
        self._put(self._head, layout.DOING // 8, 1 | tid << 32, pool, task, since_ns or self.opened_ns, len(data))
        self._head[layout.DOING + 40 : layout.DOING + 40 + len(data)] = data

    def hold(self, key: int, ident: int) -> None:
        """Say that the thread ``ident`` holds the lock ``key``; 0: the process knows the lock and does not hold it."""
        if self._locks >= layout.LOCKS:
            self.lose(layout.H_LOST_LOCKS)
            return
        self._put(self._head, layout.HELD // 8 + self._locks, ident)
        self._put(self._head, layout.CELLS // 8 + self._locks * layout.CELL_WORDS, key)
        self._locks += 1

    def place(self, frames: tuple[Frame, ...]) -> int:
        """Return the number of the program's line in a stack: the innermost outside the library; 0 if there is none."""
        frame = program_frame(frames)
        return self.site(frame) if frame else 0

    def site(self, frame: Frame) -> int:
        """Return the number of one place, noting it if it is new."""
        key = (frame.file, frame.line, frame.function)
        if key not in self._sites:
            self._sites[key] = len(self._sites) + 1
            self.log(sites.SITE, self._sites[key], *key)
        return self._sites[key]

    def stack(self, frames: tuple[Frame, ...]) -> int:
        """Return the number of a stack, noting it if it is new; 0 for none."""
        key = tuple(self.site(frame) for frame in frames[:STACK_DEPTH])
        if key and key not in self._stacks:
            self._stacks[key] = len(self._stacks) + 1
            self.log(sites.STACK, self._stacks[key], " ".join(map(str, key)))
        return self._stacks.get(key, 0)

    def log(self, kind: Kind, *values: int | str, tid: int = 0, at_ns: int = 0) -> None:
        """Append an event; ``tid``: the thread it is about, the main one by default."""
        record = encode(kind, tid or self.pid, at_ns or self.opened_ns, values)
        if self._at + len(record) + 8 > len(self._log) and not self._next_segment():
            self.lose(layout.H_LOST_LOG)
            return
        self._log[self._at : self._at + len(record)] = record
        self._at += len(record)

    def _next_segment(self) -> bool:
        if len(self._segments) >= layout.SEGMENTS:
            return False
        fresh = bytearray(layout.SEGMENT_SIZE)
        self._segments.append(fresh)
        self._header(fresh)
        self._log, self._at = fresh, layout.HEADER_SIZE
        return True

    def save(self, directory: str, *, segments: bool = True) -> None:
        """Write the file, and its segments, into ``directory``; OSError if that is impossible."""
        path = os.path.join(directory, recording_name(self.pid, self.opened_ns))
        parts = [self._head, *(self._segments if segments else [])]
        for number, data in enumerate(parts):
            with open(f"{path}.{number}" if number else path, "wb") as file:
                file.write(data)


def program_frame(frames: tuple[Frame, ...]) -> Frame | None:
    """Return the innermost frame of the program; None if there is only library."""
    return next((frame for frame in frames if not frame.is_library), None)
