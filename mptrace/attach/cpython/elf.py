"""Where a few of the interpreter's exported symbols are, from its file; the result is kept for each file."""

from __future__ import annotations

import os
import struct

FILE_LIMIT = 256 << 20
_DYNSYM = 11
_cache: dict[tuple[int, int], dict[str, int]] = {}


def read_symbols(path: str, wanted: frozenset[bytes]) -> dict[str, int]:
    """Return symbol -> offset from where the file is mapped; {} if it is no 64-bit ELF file, or cannot be read."""
    try:
        status = os.stat(path)
        key = (status.st_dev, status.st_ino)
        if key not in _cache:
            _cache[key] = _parse(path, wanted) if status.st_size < FILE_LIMIT else {}
        return _cache[key]
    except (OSError, struct.error, IndexError):
        return {}


def _parse(path: str, wanted: frozenset[bytes]) -> dict[str, int]:
    with open(path, "rb") as file:
        data = file.read()
    if data[:5] != b"\x7fELF\x02":
        return {}
    base = _first_load(data)
    sections_at, size, count = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HH", data, 58)
    for number in range(count):
        section = struct.unpack_from("<IIQQQQIIQQ", data, sections_at + number * size)
        if section[1] == _DYNSYM:
            strings_at = struct.unpack_from("<IIQQQQIIQQ", data, sections_at + section[6] * size)[4]
            return _symbols(data, section, strings_at, wanted, base)
    return {}


def _first_load(data: bytes) -> int:
    """Return the address that the first byte of the file asks to be mapped at."""
    headers_at, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, offset, address = struct.unpack_from("<IIQQ", data, headers_at + number * size)
        if kind == 1:
            return int(address - offset)
    return 0


def _symbols(data: bytes, section: tuple[int, ...], strings_at: int, wanted: frozenset[bytes], base: int) -> dict[str, int]:
    found: dict[str, int] = {}
    offset, size = section[4], section[5]
    for name, _, _, _, value, _ in struct.iter_unpack("<IBBHQQ", data[offset : offset + size]):
        start = strings_at + name
        text = data[start : data.find(b"\0", start)] if value else b""
        if text in wanted:
            found[text.decode()] = value - base
            if len(found) == len(wanted):
                break
    return found
