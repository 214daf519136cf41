"""The exported symbols of a file that is mapped but cannot be opened (deleted, or in another mount namespace), from memory."""

from __future__ import annotations

import struct

from mptrace.attach.memory import PAGE, Memory, Unreadable

_LOAD, _DYNAMIC = 1, 2
_STRINGS, _SYMBOLS = 5, 6
_SYMBOL = struct.Struct("<IBBHQQ")
TABLE_LIMIT, NAME_LIMIT = 8 << 20, 16
"""Most bytes of a table that are read; the longest name that is asked for."""


def mapped_symbols(memory: Memory, start: int, wanted: frozenset[bytes]) -> dict[str, int]:
    """Return symbol -> offset from ``start``, where a file's first byte is mapped; {} if that cannot be read."""
    try:
        return _read(memory, start, wanted)
    except (Unreadable, struct.error):
        return {}


def _read(memory: Memory, start: int, wanted: frozenset[bytes]) -> dict[str, int]:
    base, tables = _tables(memory, start)
    symbols_at, strings_at = tables[_SYMBOLS], tables[_STRINGS]
    size = strings_at - symbols_at  # linkers put the names right behind the symbols
    if not 0 < size < TABLE_LIMIT:
        return {}
    found: dict[str, int] = {}
    for name, _, _, _, value, _ in _SYMBOL.iter_unpack(memory.read_fresh(symbols_at, size - size % _SYMBOL.size)):
        text = memory.text(strings_at + name, NAME_LIMIT).encode() if value else b""
        if text in wanted:
            found[text.decode()] = value - base
    return found


def _tables(memory: Memory, start: int) -> tuple[int, dict[int, int]]:
    """Return the address that the file asked to be mapped at, and the addresses of its tables by their tags."""
    head = memory.read(start, PAGE)
    headers_at, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    headers = [struct.unpack_from("<IIQQQQQ", head, headers_at + number * size) for number in range(count)]
    base = next((header[3] - header[2] for header in headers if header[0] == _LOAD), 0)
    tables = {_STRINGS: 0, _SYMBOLS: 0}
    for header in headers:
        if header[0] == _DYNAMIC:
            data = memory.read_fresh(start - base + header[3], header[5] & -16)
            tables |= dict(struct.iter_unpack("<QQ", data))
    moved = {tag: value if value >= start else value + start - base for tag, value in tables.items()}
    return base, moved  # glibc writes addresses into that table, other loaders leave offsets there
