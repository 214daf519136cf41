"""Append to this process's file: a memory map, plain stores, nothing to flush (the bytes: wire/layout.py).

Probes use ``recorder.words`` (the map as u64 words) and the functions below. Without a file (disk full, no
permission, a limit on files) ``words`` is a map of private memory of the same shape: no probe needs to ask.

Fork: ``inherit`` calls `reopen` in the child; indexes into ``words`` stay valid, memory views do not, so nobody
keeps one. The parent's map stays open in the child, unused: closing an ``mmap`` object closes its descriptor
number too, which by then may be the host's.
Spawn: the child is another interpreter and opens a file of its own.
"""

from __future__ import annotations

import os
import sys
from _collections import deque  # type: ignore[import-not-found]
from _thread import allocate_lock, get_ident, get_native_id
from itertools import count
from struct import Struct
from time import monotonic_ns, time_ns

from ..wire import layout
from ..wire.event import Kind, encode
from ..wire.events import processes
from ..wire.rundir import PROCESSES, recording_name
from . import mapping, native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RING = Struct("<8Q").pack_into

SLOT = Struct("<6Q").pack_into
"""Store the six words of a wait slot behind its state: key, since, timeout, site, detail, stack (one call is cheaper than four stores)."""

words: Any = None
"""The file as u64 words (memoryview); never keep a reference to it."""

live: list[Any] = [None, None, None]
"""``[words, the map itself, era]``, era being an object that no two incarnations of a process share: keep this list, for closures that run often, or that may run while modules are torn down."""

followers: list[Any] = []
"""Functions that are given the words whenever they change: of closures that have them as a variable of their own."""

threads: dict[int, int] = {}
"""``get_ident()`` -> index of the first word of the thread's board entry; use ``threads.get(ident) or new_thread()``."""


class Entry:
    """What the wait slot of a thread tells of: the Place that was stored there last, NOTHING if it is none; None while it waits.

    Who finds his own place there need not store it again (probes/connection.py). ``detail``: as it was stored last by such a one.
    """

    __slots__ = ("detail", "ident", "place", "since", "slot")

    def __init__(self, ident: int, slot: int) -> None:
        self.ident, self.slot, self.since = ident, slot, slot + layout.S_SINCE
        self.place: object = NOTHING
        self.detail = -1


NOTHING = object()

NOBODY = Entry(-1, layout.H_UNREAD)
"""The entry of no thread."""

entries: dict[int, Entry] = {}
"""Index of a thread's wait slot -> what is in it."""

opened_ns = 0
"""CLOCK_MONOTONIC when this process's file was opened: its identity together with the pid."""

_PYTHON = sys.version.split()[0]
_run_path = ""
_path = ""
_bytes: Any = None
_log: Any = None
_tail, _end, _segment = 0, 0, 0
_pending: deque[bytes] = deque()
_writing = allocate_lock()
_next_thread = count().__next__
_next_ring = count(1).__next__
_ended_threads: list[int] = []
_free_locks: list[int] = []
_next_lock = count().__next__
_locks = 0  # how many were ever in use at a time
_free_tallies: list[int] = []
_next_tally = count().__next__
_tallies = 0  # how many were ever in use at a time
_free_doings: list[int] = list(range(layout.DOINGS))


def open_first(run_path: str) -> None:
    """Open this process's file in the run directory unless that was done; never raises."""
    global _run_path
    if words is None:
        _run_path = run_path
        _open(flags=0, parent_opened=0)
        log(
            processes.BOOTED, "exec", sys.executable or "", _PYTHON, " ".join(map(str, sys.orig_argv))[:2000],
            _cwd(), sys.argv[0] if getattr(sys, "argv", None) else "", "", os.getuid(),
        )  # fmt: skip


def reopen() -> None:
    """In a forked child: a file of its own, with the locks it inherited known and none of them held."""
    global _pending, _writing, _next_thread, _next_ring
    old, parent_opened = words, opened_ns
    _pending, _writing, _next_thread, _next_ring = deque(), allocate_lock(), count().__next__, count(1).__next__
    threads.clear()
    entries.clear()
    _ended_threads.clear()
    _free_doings[:] = range(layout.DOINGS)
    _open(flags=layout.FORKED, parent_opened=parent_opened)
    if _locks or _tallies:
        _copy_inherited(old)
    log(processes.BOOTED, "fork", sys.executable or "", _PYTHON, "", "", "", "", os.getuid())


def _copy_inherited(old: Any) -> None:
    """Only what was ever used: each page that nobody writes to is one that a short life does not pay for."""
    cells, end = layout.CELLS // 8, layout.CELLS // 8 + _locks * layout.CELL_WORDS
    words[cells:end] = old[cells:end]
    tally, end = layout.TALLY // 8, layout.TALLY // 8 + _tallies * layout.TALLY_WORDS
    words[tally:end] = old[tally:end]
    for cell in range(tally, end, layout.TALLY_WORDS):
        words[cell + 1] = words[cell + 2] = 0


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _open(flags: int, parent_opened: int) -> None:
    global words, opened_ns, _path, _bytes, _log, _tail, _end, _segment
    opened_ns = monotonic_ns()
    _path = f"{_run_path}/{PROCESSES}/{recording_name(os.getpid(), opened_ns)}"
    _bytes = _log = mapping.file_map(_path, layout.SIZE) or mapping.private_map(layout.SIZE)
    words = memoryview(_bytes).cast("Q")
    live[:] = words, _bytes, object()
    for follow in followers:
        follow(words)
    flags |= native.attach(_bytes)
    _segment, _tail, _end = 0, layout.LOG, layout.LOG + layout.LOG_SIZE
    _write_header(_bytes, flags, parent_opened, layout.LOG, layout.LOG_SIZE)


def _write_header(to: Any, flags: int, parent_opened: int, log_at: int, log_size: int) -> None:
    _HEADER(
        to, 8, layout.VERSION | layout.HEADER_SIZE << 32, os.getpid(), os.getppid(), get_native_id(), opened_ns,
        time_ns() - (monotonic_ns() - opened_ns), sys.hexversion, flags, parent_opened, _segment, log_at, log_size, len(to),
    )  # fmt: skip
    to[:8] = layout.MAGIC  # last: a file without it was never finished


_HEADER = Struct("<13Q").pack_into
"""Store the words of the header behind the first."""


def log(kind: Kind, *values: object) -> None:
    """Append one rare event (values in the declared order); never raises, never blocks, never overwritten.

    A thread that finds another one writing leaves its record to it, so a signal handler that interrupts us cannot
    wait for itself, and no lock is ever waited for.
    """
    try:
        _pending.append(encode(kind, get_native_id(), monotonic_ns(), values))
        while _pending and _writing.acquire(False):
            try:
                while _pending:
                    _append(_pending.popleft())
            finally:
                _writing.release()
        if len(_pending) > PENDING:  # a handler that raised just behind the acquire has left nobody to write
            _pending.popleft()
            lose(layout.H_LOST_LOG)
    except Exception:  # noqa: BLE001 - the guest's oath
        lose(layout.H_LOST_LOG)


if native.recorder is not None:
    log = native.recorder.logger(log)


def log_some(kind: Kind, *values: object) -> None:
    """Log an event of a kind that a program may cause without end; beyond `SOME` of a kind they are only counted, as lost."""
    number = _logged[kind.number] = _logged.get(kind.number, 0) + 1
    if number <= SOME:
        log(kind, *values)
    else:
        lose(layout.H_LOST_LOG)


PENDING = 1000
"""Most records that wait for the thread that is writing; beyond them the oldest are lost, and counted."""

SOME = 3000
_logged: dict[int, int] = {}


def _append(record: bytes) -> None:
    global _tail
    if native.recorder is not None:  # which knows the tail
        if not native.recorder.append(record) and not (_next_segment(len(record)) and native.recorder.append(record)):
            lose(layout.H_LOST_LOG)
        return
    if _tail + len(record) + 8 > _end and not _next_segment(len(record)):
        lose(layout.H_LOST_LOG)
        return
    _log[_tail + 8 : _tail + len(record)] = record[8:]
    _log[_tail : _tail + 8] = record[:8]  # the length makes it a record: stored last
    _tail += len(record)


def _next_segment(needed: int) -> bool:
    """Go on in the next segment file; False if there can be none."""
    global _log, _tail, _end, _segment
    if _segment >= layout.SEGMENTS or needed + 8 > layout.SEGMENT_LOG_SIZE:
        return False
    fresh = mapping.file_map(f"{_path}.{_segment + 1}", layout.SEGMENT_SIZE)
    if fresh is None:
        _segment = layout.SEGMENTS
        return False
    _segment += 1
    _write_header(fresh, 0, 0, layout.HEADER_SIZE, layout.SEGMENT_LOG_SIZE)
    _log, _tail, _end = fresh, layout.HEADER_SIZE, layout.SEGMENT_SIZE
    if native.recorder is not None:
        native.recorder.log_to(fresh, _tail, _end)
    return True


def lose(counter: int) -> None:
    """Count one thing that could not be recorded, in the header word ``counter``."""
    if words is not None:
        words[counter] += 1


def new_thread() -> int:
    """Give the current thread an entry on the board; when it is full, all further threads share the last one; never raises."""
    try:
        index = _next_thread()
        if index >= layout.THREADS - 1:
            index = _ended_entry()
        first = layout.BOARD // 8 + index * layout.THREAD_WORDS
        words[first : first + layout.THREAD_WORDS] = _NO_THREAD
        words[first + layout.T_IDENT], words[first + layout.T_TID] = get_ident(), get_native_id()
        words[first + layout.T_STATE] = 1
        threads[get_ident()] = first
        if first != _LAST_ENTRY:
            entries[first + layout.T_WAIT] = Entry(get_ident(), first + layout.T_WAIT)
    except Exception:  # noqa: BLE001 - the interpreter is being torn down
        return _LAST_ENTRY
    return first


_NO_THREAD = memoryview(bytes(layout.THREAD_WORDS * 8)).cast("Q")
_LAST_ENTRY = layout.BOARD // 8 + (layout.THREADS - 1) * layout.THREAD_WORDS


def _ended_entry() -> int:
    try:
        return _ended_threads.pop()
    except IndexError:
        lose(layout.H_LOST_THREADS)
        return layout.THREADS - 1


def end_thread() -> None:
    """The current thread is about to end: its entry can serve another."""
    first = threads.pop(get_ident(), 0)
    if first:
        entry = entries.pop(first + layout.T_WAIT, NOBODY)
        entry.ident, entry.place = -1, None
        words[first + layout.T_WAIT] = words[first + layout.T_INTENT] = 0
        words[first + layout.T_STATE] = 2
        if first != _LAST_ENTRY:
            _ended_threads.append((first - layout.BOARD // 8) // layout.THREAD_WORDS)


def ring(kind: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> None:
    """Note one ordinary event (an ``R_`` kind of wire/layout.py); the oldest is overwritten."""
    if native.recorder is not None:  # which has the counter
        native.recorder.ring(kind, a, b, c, d, get_native_id())
        return
    seq = _next_ring()
    at = layout.RING + (seq - 1) % layout.RING_RECORDS * layout.RING_WORDS * 8
    _RING(_bytes, at, seq, monotonic_ns(), kind | get_native_id() << 32, a, b, c, d, seq)


def new_lock(key: int) -> int:
    """Return the number of a held cell for the lock ``key``; its ident stands at ``held_word(number)``. -1: none left."""
    global _locks
    number = _free_locks.pop() if _free_locks else _next_lock()
    if number >= layout.LOCKS:
        lose(layout.H_LOST_LOCKS)
        return -1
    _locks = max(_locks, number + 1)
    words[layout.HELD // 8 + number] = 0
    cell = layout.CELLS // 8 + number * layout.CELL_WORDS
    words[cell], words[cell + 1], words[cell + 2] = key, 0, 0
    return number


def free_lock(number: int) -> None:
    """The lock object is gone: its cell can serve another."""
    if number >= 0 and words is not None:
        words[layout.HELD // 8 + number] = 0
        words[layout.CELLS // 8 + number * layout.CELL_WORDS] = 0
        _free_locks.append(number)


def new_tally(key: int, ends: int) -> int:
    """Return the first word of a tally for a connection (words: key, sent, received, ends: 1 readable, 2 writable); 0: none left."""
    global _tallies
    number = _free_tallies.pop() if _free_tallies else _next_tally()
    if number >= layout.TALLIES:
        lose(layout.H_LOST_TALLIES)
        return 0
    _tallies = max(_tallies, number + 1)
    word = layout.TALLY // 8 + number * layout.TALLY_WORDS
    words[word], words[word + 1], words[word + 2], words[word + 3] = key, 0, 0, ends
    return word


def free_tally(word: int) -> None:
    """The connection object is gone."""
    if word and words is not None:
        words[word] = 0
        _free_tallies.append((word - layout.TALLY // 8) // layout.TALLY_WORDS)


def begin_task(pool: int) -> int:
    """Return the byte offset of a cell for the tasks that this thread is going to run, kept from task to task; 0 if none was free."""
    if not _free_doings:
        lose(layout.H_LOST_DOING)
        return 0
    at = layout.DOING + _free_doings.pop() * layout.DOING_SIZE
    words[at // 8], words[at // 8 + 1], words[at // 8 + 2] = 0, pool, 0
    return at


def ended() -> None:
    """The process is about to end in an orderly way."""
    if words is not None:
        words[layout.H_ENDED] = monotonic_ns()
