"""Read the records of a log: whole ones only, up to the first zero length; torn and damaged ones counted."""

from __future__ import annotations

from typing import BinaryIO
from zlib import crc32

from mptrace.collect.recording import Log, Record
from mptrace.wire.event import BODY, KINDS, PREFIX, RECORD_LIMIT, BadRecord, decode
from mptrace.wire.events import FAMILIES

assert FAMILIES  # importing them declares the kinds

CHUNK = 1 << 20
"""Bytes of a log that are read at a time."""


def read_log(data: bytes | memoryview, into: Log, base: int = 0) -> int:
    """Add the records of ``data`` to ``into``; ``base``: offset of its first byte in the log. Return where reading stopped."""
    at = 0
    while (step := _read_one(data, at, into, base)) > 0:
        at += step
    return at


def read_stream(stream: BinaryIO, into: Log, base: int) -> None:
    """The same for a file without a fixed size, a chunk at a time; a cut last record counts as torn."""
    rest = b""
    while chunk := stream.read(CHUNK):
        data = rest + chunk
        used = _read_whole(data, into, base)
        rest, base = data[used:], base + used
        if len(rest) > RECORD_LIMIT + 16:  # not a cut record, but damage: nothing behind it can be found
            break
    if any(rest):
        into.torn += 1


def _read_whole(data: bytes, into: Log, base: int) -> int:
    """Like `read_log`, but what is cut at the end of ``data`` stays unread and uncounted."""
    at = 0
    while len(data) - at >= PREFIX.size:
        length, _ = PREFIX.unpack_from(data, at)
        if at + _padded(length) > len(data):
            break
        step = _read_one(data, at, into, base)
        if step <= 0:
            break
        at += step
    return at


def _padded(length: int) -> int:
    return PREFIX.size + length + -length % 8


def _read_one(data: bytes | memoryview, at: int, into: Log, base: int) -> int:
    """Read the record at ``at``; return its size, 0 where there is none (any more)."""
    if at + PREFIX.size > len(data):
        return _stop(into, torn=any(data[at:]))
    length, checksum = PREFIX.unpack_from(data, at)
    if length == 0:
        return _stop(into, torn=checksum != 0 or any(data[at + PREFIX.size : at + PREFIX.size + BODY.size]))
    end = at + PREFIX.size + length
    if length < BODY.size or length > RECORD_LIMIT or end > len(data):
        return _stop(into, torn=True)
    body = bytes(data[at + PREFIX.size : end])
    if crc32(body) != checksum:
        return _damaged(data, at, length, into)
    _add(body, base + at, into)
    return _padded(length)


def _stop(into: Log, *, torn: bool) -> int:
    into.torn += torn
    return 0


def _damaged(data: bytes | memoryview, at: int, length: int, into: Log) -> int:
    """Go on behind a damaged record if a whole one stands where its length says; else it was the last, and torn."""
    behind = at + _padded(length)
    if not _is_whole(data, behind):
        return _stop(into, torn=True)
    into.damaged += 1
    return _padded(length)


def _is_whole(data: bytes | memoryview, at: int) -> bool:
    if at + PREFIX.size > len(data):
        return False
    length, checksum = PREFIX.unpack_from(data, at)
    body = data[at + PREFIX.size : at + PREFIX.size + length]
    return bool(BODY.size <= length == len(body) and length <= RECORD_LIMIT and crc32(body) == checksum)


def _add(body: bytes, offset: int, into: Log) -> None:
    try:
        kind, tid, at_ns, fields = decode(body)
    except BadRecord:
        number = int.from_bytes(body[:2], "little")
        if number in KINDS:
            into.damaged += 1
        else:
            into.unknown += 1
        return
    into.records.append(Record(offset, kind, tid, at_ns, fields))
