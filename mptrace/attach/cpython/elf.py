"""Where a few of the interpreter's exported symbols are, from its file; the result is kept for each file."""

from __future__ import annotations

import bisect
import os
import struct
from collections.abc import Iterator

FILE_LIMIT = 256 << 20
_DYNSYM, _FUNCTION = 11, 2
_Key = tuple[int, ...]
_cache: dict[_Key, dict[str, int]] = {}


def _key(status: os.stat_result) -> _Key:
    """Return what tells a file from others, also from one that has been given the number of a deleted one."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


RUNTIME = b".PyRuntime"
"""The section that every CPython since 3.10 has its runtime in, a stripped one too."""


def read_symbols(path: str, wanted: frozenset[bytes]) -> dict[str, int]:
    """Return symbol -> offset from where the file is mapped; {} if it is no 64-bit ELF file, or cannot be read.

    _PyRuntime is found also where it is not exported.
    """
    try:
        status = os.stat(path)
        key = _key(status)
        if key not in _cache:
            _cache[key] = _parse(path, wanted) if status.st_size < FILE_LIMIT else {}
            runtime = _section_address(path, RUNTIME) if b"_PyRuntime" in wanted else None
            if runtime is not None:
                _cache[key].setdefault("_PyRuntime", runtime)
        return _cache[key]
    except (OSError, struct.error, IndexError):
        return {}


def function_at(path: str, offset: int) -> str:
    """Return the exported function that an offset of a mapped file lies in; "" if there is none."""
    try:
        status = os.stat(path)
        key = _key(status)
        if key not in _functions:
            _functions[key] = _read_functions(path) if status.st_size < FILE_LIMIT else []
    except (OSError, struct.error, IndexError):
        return ""
    place = bisect.bisect_right(_functions[key], (offset, 1 << 62, "")) - 1
    if place < 0:
        return ""
    start, size, name = _functions[key][place]
    return name if start <= offset <= start + size else ""


_functions: dict[_Key, list[tuple[int, int, str]]] = {}


def _read_functions(path: str) -> list[tuple[int, int, str]]:
    """Return (offset, size, name) of the functions that a file exports, in order."""
    with open(path, "rb") as file:
        data = file.read()
    table = _dynamic_symbols(data)
    if table is None:
        return []
    section, strings_at, base = table
    found = []
    for name, kind, _, _, value, size in struct.iter_unpack("<IBBHQQ", data[section[4] : section[4] + section[5]]):
        if value and kind & 15 == _FUNCTION:
            start = strings_at + name
            found.append((value - base, size, data[start : data.find(b"\0", start)].decode("utf-8", "replace")))
    return sorted(found)


def _parse(path: str, wanted: frozenset[bytes]) -> dict[str, int]:
    with open(path, "rb") as file:
        data = file.read()
    table = _dynamic_symbols(data)
    return _symbols(data, table[0], table[1], wanted, table[2]) if table is not None else {}


def _dynamic_symbols(data: bytes) -> tuple[tuple[int, ...], int, int] | None:
    """Return the section of the dynamic symbols, where their names begin, and the address that the file asks to be mapped at."""
    if data[:5] != b"\x7fELF\x02":
        return None
    base = _first_load(data)
    sections_at, size, count = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HH", data, 58)
    for number in range(count):
        section = struct.unpack_from("<IIQQQQIIQQ", data, sections_at + number * size)
        if section[1] == _DYNSYM:
            strings_at = struct.unpack_from("<IIQQQQIIQQ", data, sections_at + section[6] * size)[4]
            return section, strings_at, base
    return None


def image_size(path: str) -> int:
    """Return how many bytes of memory a file takes where it is mapped, its static data without a file (bss) included; 0: not known."""
    try:
        with open(path, "rb") as file:
            data = file.read(PAGE)
        loads = list(_loads(data)) if data[:5] == b"\x7fELF\x02" else []
    except (OSError, struct.error):
        return 0
    return max((address + size for _, address, size in loads), default=0) - (loads[0][1] - loads[0][0] if loads else 0)


PAGE = 4096
"""A linker puts the program headers into the first page."""


def _loads(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (offset in the file, address, bytes of memory) of what is to be mapped."""
    headers_at, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, offset, address, _, _, memory = struct.unpack_from("<IIQQQQQ", data, headers_at + number * size)
        if kind == 1:
            yield offset, address, memory


def _first_load(data: bytes) -> int:
    """Return the address that the first byte of the file asks to be mapped at."""
    return next((address - offset for offset, address, _ in _loads(data)), 0)


def has_section(path: str, name: bytes) -> bool:
    """Has a file a section of that name? Only its headers are read."""
    return _section_address(path, name) is not None


def _section_address(path: str, name: bytes) -> int | None:
    """Return where a section is, from where the file is mapped."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return _find_section(descriptor, name)
    except (OSError, struct.error, IndexError):
        return None
    finally:
        os.close(descriptor)


def _find_section(descriptor: int, name: bytes) -> int | None:
    head = os.pread(descriptor, PAGE, 0)
    if head[:5] != b"\x7fELF\x02":
        return None
    at, (size, count, names) = struct.unpack_from("<Q", head, 40)[0], struct.unpack_from("<HHH", head, 58)
    table = os.pread(descriptor, size * count, at)
    sections = [struct.unpack_from("<IIQQQQIIQQ", table, number * size) for number in range(count)]
    text = os.pread(descriptor, sections[names][5], sections[names][4]) if count else b""
    found = (section for section in sections if text[section[0] : text.find(b"\0", section[0])] == name)
    return next((section[3] - _first_load(head) for section in found), None)


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
