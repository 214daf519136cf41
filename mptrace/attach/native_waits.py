"""Threads that block in native code: the library and function, and who owns the mutex, read while nothing is stopped.

No unwinder: a return address lies on the stack of a blocked thread, in executable memory, just behind a call. The innermost ones
are the frames that made the system call; what is farther up may be left over, so only the innermost library is told.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mptrace.attach.address_space import Region
from mptrace.attach.cpython.elf import function_at
from mptrace.attach.cpython.image import base_name, first_answer, images
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import SeenProcess, SeenThread
from mptrace.attach.syscalls import parse_syscall

STACK = 4096
"""Bytes of a stack that are searched, from its top."""

_AT_WORK, _CONTESTED = "futex", 2
"""The word of a mutex of glibc that somebody waits for; its owner's number stands eight bytes behind it."""

_COMMON = re.compile(r"(libc|libpthread|ld-linux|ld|libffi|_ctypes|libpython|python)[-.\d]")
"""Libraries that others call to wait."""


@dataclass(frozen=True, slots=True)
class NativeWait:
    """Where a thread blocks, and the number that the mutex gives as its owner's (0: it gives none, or it is no mutex)."""

    pid: int
    tid: int
    futex: int
    owner: int
    library: str
    function: str


def read_native_wait(process: SeenProcess, memory: Memory, thread: SeenThread) -> NativeWait | None:
    """Read what a thread waits for that blocks in a futex; None if it cannot be read."""
    said = thread.looks[-1].syscall
    call, words = parse_syscall(said), said.split()
    if call.name != _AT_WORK or len(words) < 9:
        return None
    try:
        owner = _owner(memory, call.arguments[0], call.arguments[2])
        library, function = _where(process, memory, int(words[7], 16))
    except Unreadable:
        return None
    return NativeWait(process.pid, thread.tid, call.arguments[0], owner, library, function)


def _owner(memory: Memory, mutex: int, expected: int) -> int:
    if expected != _CONTESTED or int.from_bytes(memory.read_fresh(mutex, 4), "little") != _CONTESTED:
        return 0
    return int.from_bytes(memory.read_fresh(mutex + 8, 4), "little")


def _where(process: SeenProcess, memory: Memory, top: int) -> tuple[str, str]:
    """Return the innermost library that is not one which others wait through, with its function; else the innermost of all."""
    found = list(_callers(process, memory, top))
    named = [one for one in found if not _COMMON.match(one[0] + ".")] or [one for one in found if one[1]]
    return named[0] if named else ("", "")


def _callers(process: SeenProcess, memory: Memory, top: int) -> Iterator[tuple[str, str]]:
    room = process.space.region_at(top)
    size = min(STACK, room.end - top) if room is not None else 0
    for word in memory.words(top & -8, size // 8) if size >= 8 else ():
        region = process.space.region_at(word)
        if region is not None and region.permissions[2] == "x" and region.inode and _is_behind_call(memory, word):
            start = _start_of(process, region)
            function = first_answer(process.pid, region, lambda path: function_at(path, word - start))  # noqa: B023 - asked at once
            yield _library(process, region), function or ""


def _library(process: SeenProcess, region: Region) -> str:
    """Return what a library is called; an interpreter, whatever its name, is one that others wait through."""
    return "python" if region.path in {one.path for one in images(process.space)} else base_name(region)


def _is_behind_call(memory: Memory, address: int) -> bool:
    """Is the instruction before this one a call, as x86-64 writes them? On other machines any address will do."""
    if platform.machine() != "x86_64":
        return True
    try:
        before = memory.read(address - 7, 7)
    except Unreadable:
        return False
    if before[2] == 0xE8:
        return True
    return any(before[-length] == 0xFF and before[1 - length] >> 3 & 7 == 2 for length in (2, 3, 4, 6, 7))


def _start_of(process: SeenProcess, region: Region) -> int:
    """Return where the first byte of a region's file is mapped."""
    return min(other.start - other.offset for other in process.space.regions if other.path == region.path)
