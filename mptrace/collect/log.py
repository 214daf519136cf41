"""Read the records of a log: whole ones only, up to the first zero length; torn and damaged ones counted."""

from __future__ import annotations

from struct import Struct
from typing import BinaryIO
from zlib import crc32

from mptrace.collect.records import Log
from mptrace.wire.event import BODY, PREFIX, RECORD_LIMIT
from mptrace.wire.families import FAMILIES

assert FAMILIES  # importing them declares the kinds

CHUNK = 1 << 20
"""Bytes of a log that are read at a time."""

_BEGINNING = Struct("<IIH")
"""Length, checksum and kind of a record."""


def read_log(data: bytes, into: Log) -> None:
    """Read a log that is all in ``data``."""
    read_part(data, into, 0)
    into.settle()


def read_part(data: bytes, into: Log, base: int, path: str = "", at: int = 0) -> None:
    """Add the records of ``data`` to ``into``, which is to be settled when all its parts are there.

    ``base``: offset of its first byte in the log; ``path``, ``at``: where these bytes can be read again.
    """
    stopped = _read_whole(data, into, base)
    into.torn += _is_torn(data, stopped)
    if stopped:
        into.add_page(base, data, stopped, path, at)


def read_stream(stream: BinaryIO, into: Log, base: int, path: str = "") -> None:
    """The same for a file without a fixed size, a chunk at a time; a cut last record counts as torn."""
    rest, at = b"", stream.tell()
    while chunk := stream.read(CHUNK):
        data = rest + chunk
        used = _read_whole(data[: len(data) & -8], into, base)  # no record without its padding
        if used:
            into.add_page(base, data, used, path, at)
        rest, base, at = data[used:], base + used, at + used
        if len(rest) > 2 * RECORD_LIMIT + 32:  # not a cut record, but damage: nothing behind it can be found
            break
    into.torn += any(rest)
    into.settle()


def _read_whole(data: bytes, into: Log, base: int) -> int:
    """Note the records of ``data`` up to the first that is not whole, and return where that is.

    This runs once for each record of a recording, ten million times for a large one: so it is one plain loop.
    """
    at, size = 0, len(data)
    last, least, limit, prefix = size - PREFIX.size - BODY.size, BODY.size, RECORD_LIMIT, PREFIX.size
    unpack, offsets, checksum_of = _BEGINNING.unpack_from, into.offsets, crc32
    while at <= last:
        length, checksum, number = unpack(data, at)
        begin = at + prefix
        end = begin + length
        if checksum_of(data[begin:end]) == checksum and least <= length <= limit and end <= size:
            offsets[number].append(base + at)
        elif _is_damaged(data, at, length):
            into.damaged += 1
        else:
            break
        at = end + (-length & 7)
    return min(at, len(data))


def _is_damaged(data: bytes, at: int, length: int) -> bool:
    """Is this a damaged record behind which one can go on: does a whole one stand where its length says? Else it was the last."""
    return BODY.size <= length <= RECORD_LIMIT and _is_whole(data, at + PREFIX.size + length + -length % 8)


def _is_whole(data: bytes, at: int) -> bool:
    if at + PREFIX.size > len(data):
        return False
    length, checksum = PREFIX.unpack_from(data, at)
    body = data[at + PREFIX.size : at + PREFIX.size + length]
    return bool(BODY.size <= length == len(body) and length <= RECORD_LIMIT and crc32(body) == checksum)


def _is_torn(data: bytes, at: int) -> bool:
    """Is what stands where reading stopped the beginning of a record, rather than the zeros behind the last?"""
    if at + PREFIX.size > len(data):
        return any(data[at:])
    length, checksum = PREFIX.unpack_from(data, at)
    return bool(length or checksum or any(data[at + PREFIX.size : at + PREFIX.size + BODY.size]))
