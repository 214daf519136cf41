"""What an event is: a declared kind with numbered, typed fields, and the bytes of one record of the log.

A record of the log, little-endian, 8-byte aligned::

    0        4        8                    8+length
    +--------+--------+--------------------+----- - -
    | length | crc32  | body               | padding to 8
    +--------+--------+--------------------+----- - -
    body:  u16 kind | u16 spare | u32 native tid | u64 CLOCK_MONOTONIC ns | fields, in declared order
           INT  = i64          TEXT = u16 length, then so many bytes of UTF-8

``length`` is stored last, and the bytes behind the last record are zero, so a reader stops at the
first zero; the checksum catches a record that was being written when its process was killed.
Both halves use this module: it must not import anything that a bare interpreter has not loaded,
apart from struct and zlib.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

INT: Final = "int"
TEXT: Final = "text"

TEXT_LIMIT: Final = 6000
"""Longest TEXT field, in bytes; longer ones are cut in the middle and marked with ``...``."""

RECORD_LIMIT: Final = 30_000
"""Longest record, in bytes: it must fit into one empty log region."""

PREFIX = Struct("<II")
BODY = Struct("<HHIQ")
_I64 = Struct("<q")
_LENGTH = Struct("<H")
_U64, _U16 = Struct("<Q").pack, _LENGTH.pack


class Kind:
    """One declared kind of event: a number that is never reused, a name ``family.past_or_state``, typed fields.

    ``form``: what the compiled recorder needs to know of it, the number as its two bytes and a letter for each field.
    """

    __slots__ = ("fields", "form", "name", "number", "summary")

    def __init__(self, number: int, name: str, summary: str, fields: dict[str, str]) -> None:
        self.number = number
        self.name = name
        self.summary = summary
        self.fields = tuple(fields.items())
        self.form = number.to_bytes(2, "little") + "".join([of_type[0] for of_type in fields.values()]).encode()

    def __repr__(self) -> str:
        return f"<Kind {self.number} {self.name}>"


KINDS: dict[int, Kind] = {}
_names: set[str] = set()


def declare(number: int, name: str, summary: str, /, **fields: str) -> Kind:
    """Declare a kind of event; ValueError if its number or name is taken."""
    if number in KINDS or name in _names:
        raise ValueError(f"event {number} {name} is declared twice")
    _names.add(name)
    kind = KINDS[number] = Kind(number, name, summary, fields)
    return kind


def encode(kind: Kind, tid: int, at_ns: int, values: tuple[object, ...]) -> bytes:
    """Return the bytes of one record, padded to 8; values in declared order (INT: int, TEXT: str)."""
    parts = [BODY.pack(kind.number, 0, tid & 0xFFFFFFFF, at_ns & 0xFFFFFFFFFFFFFFFF)]
    for (_, of_type), value in zip(kind.fields, values):
        if of_type is TEXT:
            data = value.encode("utf-8", "backslashreplace") if type(value) is str else _text_of(value)
            if len(data) > TEXT_LIMIT:
                data = data[: TEXT_LIMIT - 1500] + b" ... " + data[-1400:]
            parts += (_U16(len(data)), data)
        else:
            parts.append(_U64((value if isinstance(value, int) else -1) & 0xFFFFFFFFFFFFFFFF))
    body = b"".join(parts)
    return PREFIX.pack(len(body), crc32(body)) + body + b"\0" * (-len(body) % 8)


def _text_of(value: object) -> bytes:
    return (value if isinstance(value, str) else repr(value)).encode("utf-8", "backslashreplace")


class BadRecord(ValueError):
    """These bytes are not a whole record of the log."""


def decode(body: bytes) -> tuple[Kind, int, int, dict[str, int | str]]:
    """Return (kind, native tid, time in ns, fields) of one record's body; BadRecord if it does not fit its declaration."""
    try:
        number, _, tid, at_ns = BODY.unpack_from(body, 0)
        kind = KINDS[number]
        return kind, tid, at_ns, _decode_fields(kind, body)
    except (StructError, KeyError, IndexError) as trouble:
        raise BadRecord(f"not a record: {trouble!r}") from None


def _decode_fields(kind: Kind, body: bytes) -> dict[str, int | str]:
    offset, fields = BODY.size, {}
    for name, of_type in kind.fields:
        if of_type is INT:
            fields[name] = _I64.unpack_from(body, offset)[0]
            offset += _I64.size
            continue
        (length,) = _LENGTH.unpack_from(body, offset)
        offset += _LENGTH.size
        if offset + length > len(body):
            raise BadRecord("a text runs past its record")
        fields[name] = body[offset : offset + length].decode("utf-8", "replace")
        offset += length
    return fields


def signed(number: int) -> int:
    """Return an unsigned 64-bit key as the signed number an INT field stores."""
    return number - (1 << 64) if number >= 1 << 63 else number


def unsigned(number: int) -> int:
    """Return the 64-bit key that an INT field stored as a signed number."""
    return number & 0xFFFFFFFFFFFFFFFF
