"""Read the fixed regions of a recorder file (drawn in wire/layout.py) from two copies of its bytes.

The file may belong to a running process, which stores without asking: what two copies agree on is taken, what they do not agree
on was just being written. A thread whose board entry moves is running, so it waits for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from mptrace.collect.recording import DoingCell, Entry, Head, HeldLock, RingRecord, Slot, TallyCell
from mptrace.collect.task import read_task
from mptrace.wire import layout
from mptrace.wire.wait import NAMES, TIMED

_HEADER = Struct("<64Q")
_THREAD = Struct(f"<{layout.THREAD_WORDS}Q")
_HELD = Struct(f"<{layout.LOCKS}Q")
_CELL = Struct(f"<{layout.CELL_WORDS}Q")
_TALLY = Struct(f"<{layout.TALLY_WORDS}Q")
_DOING = Struct("<5Q")
_RING = Struct(f"<{layout.RING_WORDS}Q")
_IN_USE, _ENDED = 1, 2


def trouble_with(data: bytes) -> str:
    """Say why these bytes are not a recorder file that can be read; "" if they are."""
    if len(data) < layout.HEADER_SIZE:
        return "it is shorter than its header"
    words = _HEADER.unpack_from(data)
    if data[:8] != layout.MAGIC:
        return "its header was never finished" if words[layout.H_MAGIC] == 0 else "it is not a recorder file of mptrace"
    version, header_size = words[layout.H_VERSION] & 0xFFFFFFFF, words[layout.H_VERSION] >> 32
    if version != layout.VERSION:
        return f"it was written by another version of mptrace (format {version}, this one reads {layout.VERSION})"
    return "" if header_size == layout.HEADER_SIZE else "its header has an impossible size"


def read_head(data: bytes, again: bytes) -> Head:
    """Read the regions before the log; ``again``: a later copy of the same bytes. Short copies count as full of zeros."""
    data, again = data[: layout.LOG].ljust(layout.LOG, b"\0"), again[: layout.LOG].ljust(layout.LOG, b"\0")
    return Head(
        header=_HEADER.unpack_from(data),
        entries=_read_entries(data, again),
        locks=_read_locks(data, again),
        tallies=_read_tallies(data),
        doings=_read_doings(data, again),
        ring=_read_ring(data),
    )


def _read_entries(data: bytes, again: bytes) -> list[Entry]:
    found = []
    for number in range(layout.THREADS):
        at = layout.BOARD + number * _THREAD.size
        words = _THREAD.unpack_from(data, at)
        if words[layout.T_STATE] not in (_IN_USE, _ENDED):
            continue
        moving = data[at : at + _THREAD.size] != again[at : at + _THREAD.size]
        found.append(_entry(words, moving=moving))
    return found


def _entry(words: tuple[int, ...], *, moving: bool) -> Entry:
    ended = words[layout.T_STATE] == _ENDED
    if ended or moving:
        return Entry(words[layout.T_IDENT], words[layout.T_TID] & 0xFFFFFFFF, ended, moving=moving)
    return Entry(
        words[layout.T_IDENT],
        words[layout.T_TID] & 0xFFFFFFFF,
        ended=False,
        wait=_slot(words[layout.T_WAIT : layout.T_WAIT + 8]),
        intent=_slot(words[layout.T_INTENT : layout.T_INTENT + 8]),
    )


def _slot(words: tuple[int, ...]) -> Slot | None:
    state = words[layout.S_STATE]
    kind, family, flags = state & 0xFF, state >> 8 & 0xFF, state >> 16
    if kind not in NAMES:
        return None
    return Slot(
        kind,
        family,
        flags,
        words[layout.S_KEY],
        words[layout.S_SINCE],
        words[layout.S_TIMEOUT] if flags & TIMED else None,
        words[layout.S_SITE],
        words[layout.S_DETAIL],
        words[layout.S_STACK],
    )


def _cells(data: bytes, at: int, count: int, shape: Struct) -> Iterable[tuple[int, ...]]:
    """Return the cells of a region, none if it was never written to, as most are: a moment has many heads."""
    region = data[at : at + count * shape.size]
    return shape.iter_unpack(region) if region.count(0) < len(region) else ()


def _read_locks(data: bytes, again: bytes) -> list[HeldLock]:
    held, later = _HELD.unpack_from(data, layout.HELD), _HELD.unpack_from(again, layout.HELD)
    found = []
    for number, (key, since_ns, site) in enumerate(_cells(data, layout.CELLS, layout.LOCKS, _CELL)):
        if key:
            found.append(HeldLock(held[number] if held[number] == later[number] else 0, key, since_ns, site))
    return found


def _read_tallies(data: bytes) -> list[TallyCell]:
    cells = _cells(data, layout.TALLY, layout.TALLIES, _TALLY)
    return [TallyCell(key, sent, received, ends) for key, sent, received, ends in cells if key]


def _read_doings(data: bytes, again: bytes) -> list[DoingCell]:
    found = []
    for number in range(layout.DOINGS):
        at = layout.DOING + number * layout.DOING_SIZE
        if data[at : at + layout.DOING_SIZE] == again[at : at + layout.DOING_SIZE]:
            found += _read_doing(data[at : at + layout.DOING_SIZE])
    return found


def _read_doing(cell: bytes) -> list[DoingCell]:
    state, key, number, since_ns, length = _DOING.unpack_from(cell)
    what = cell[_DOING.size : _DOING.size + length]
    if state & 0xFFFFFFFF == layout.TOLD:
        return [DoingCell(state >> 32, key, number, since_ns, what.decode("utf-8", "replace"))]
    task = read_task(what) if state & 0xFFFFFFFF == layout.PICKLED else None
    return [] if task is None else [DoingCell(state >> 32, key, task.number, since_ns, task.text)]


def _read_ring(data: bytes) -> list[RingRecord]:
    found = []
    for seq, at_ns, kind, a, b, c, d, again in _cells(data, layout.RING, layout.RING_RECORDS, _RING):
        if seq and seq == again:
            found.append(RingRecord(seq, at_ns, kind & 0xFFFFFFFF, kind >> 32, (a, b, c, d)))
    return sorted(found, key=lambda record: record.seq)
