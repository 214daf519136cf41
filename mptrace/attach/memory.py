"""Read the memory of another process without stopping it: process_vm_readv, else /proc/PID/mem; by pages, each read once."""

from __future__ import annotations

import ctypes
import os
from struct import Struct

PAGE = 4096
PAGES_LIMIT = 40_000
"""Most pages that are kept of one process (160 MB); beyond that, pages are read and forgotten."""

_U64, _U32, _I32, _I64 = Struct("<Q"), Struct("<I"), Struct("<i"), Struct("<q")


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


_libc = ctypes.CDLL(None, use_errno=True)
_readv = getattr(_libc, "process_vm_readv", None)
if _readv is not None:
    _readv.restype = ctypes.c_ssize_t
    _readv.argtypes = (
        ctypes.c_int, ctypes.POINTER(_Vector), ctypes.c_ulong, ctypes.POINTER(_Vector), ctypes.c_ulong, ctypes.c_ulong,
    )  # fmt: skip


class Unreadable(Exception):
    """These addresses are not mapped, or the process is gone or not ours to read."""


class Memory:
    """The memory of one process; every method raises `Unreadable` for what cannot be read, and nothing else."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pages: dict[int, bytes] = {}
        self._file = -1
        self._by_vector = _readv is not None

    def close(self) -> None:
        """Forget what was read, close the file."""
        self.forget()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._pages.clear()

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes at ``address``, from the pages as they were when first read."""
        page = address & -PAGE
        start = address - page
        if start + size <= PAGE:
            return (self._pages.get(page) or self._fetch(page))[start : start + size]
        parts = [self._pages.get(at) or self._fetch(at) for at in range(page, address + size, PAGE)]
        return b"".join(parts)[start : start + size]

    def _fetch(self, page: int) -> bytes:
        data = self.read_fresh(page, PAGE)
        if len(self._pages) < PAGES_LIMIT:
            self._pages[page] = data
        return data

    def read_fresh(self, address: int, size: int) -> bytes:
        """Return the bytes as they are now; for what may change between two looks, and for large pieces."""
        if not 0 < address < 1 << 47:
            raise Unreadable(hex(address))
        data = self._read_vector(address, size) if self._by_vector else self._read_file(address, size)
        if len(data) != size:
            raise Unreadable(hex(address))
        return data

    def _read_vector(self, address: int, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        local, remote = _Vector(ctypes.addressof(buffer), size), _Vector(address, size)
        got = _readv(self.pid, local, 1, remote, 1, 0) if _readv is not None else -1
        if got < 0 and ctypes.get_errno() in {1, 38}:  # EPERM, ENOSYS (seccomp): the file may still be readable
            self._by_vector = False
            return self._read_file(address, size)
        return buffer.raw[: max(got, 0)]

    def _read_file(self, address: int, size: int) -> bytes:
        try:
            if self._file < 0:
                self._file = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._file, size, address)
        except (OSError, OverflowError) as trouble:
            raise Unreadable(str(trouble)) from None

    def u64(self, address: int) -> int:
        """Return the unsigned word at ``address``."""
        return int(_U64.unpack(self.read(address, 8))[0])

    def i64(self, address: int) -> int:
        """Return the signed word at ``address``."""
        return int(_I64.unpack(self.read(address, 8))[0])

    def u32(self, address: int) -> int:
        """Return the unsigned half word at ``address``."""
        return int(_U32.unpack(self.read(address, 4))[0])

    def i32(self, address: int) -> int:
        """Return the signed half word at ``address``."""
        return int(_I32.unpack(self.read(address, 4))[0])

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Return so many unsigned words."""
        return Struct(f"<{count}Q").unpack(self.read(address, 8 * count))

    def text(self, address: int, limit: int = 200) -> str:
        """Return the C string at ``address``, cut after ``limit`` bytes."""
        first = min(limit, PAGE - address % PAGE)
        data = self.read(address, first)
        if b"\0" not in data and first < limit:
            data += self.read(address + first, limit - first)
        return data.split(b"\0", 1)[0].decode("utf-8", "replace")
