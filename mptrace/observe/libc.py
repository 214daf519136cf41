"""The few calls of Linux that Python does not offer, by ctypes; each raises OSError where it cannot be had."""

from __future__ import annotations

import ctypes
import os
import sys

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_CHILD_SUBREAPER = 36
_CLOEXEC = os.O_CLOEXEC
_NONBLOCK = os.O_NONBLOCK


def _checked(name: str, *args: object) -> int:
    """Call a function of libc; OSError with its errno if it answers -1 or is missing."""
    function = getattr(_libc, name, None)
    if function is None:
        raise OSError(38, f"{name} is not in this libc")
    result = int(function(*args))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def become_subreaper() -> None:
    """Make orphans of this process's descendants its own children, so that their exit statuses can be had."""
    _checked("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def signal_descriptor(signals: set[int]) -> int:
    """Return a non-blocking signalfd for signals that are blocked already."""
    bits = sum(1 << (number - 1) for number in signals)
    mask = ctypes.create_string_buffer(bits.to_bytes(8, "little") + bytes(120), 128)  # a sigset_t has 128 bytes
    return _checked("signalfd", -1, mask, _CLOEXEC | _NONBLOCK)


def watch_directory(path: str, events: int) -> int:
    """Return a non-blocking inotify descriptor that watches one directory."""
    descriptor = _checked("inotify_init1", _CLOEXEC | _NONBLOCK)
    try:
        _checked("inotify_add_watch", descriptor, os.fsencode(path), events)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def pidfd_getfd(pidfd: int, descriptor: int) -> int:
    """Return a duplicate of another process's descriptor (the same number on all architectures since Linux 5.6)."""
    return _checked("syscall", 438, pidfd, descriptor, 0)


def file_system(path: str) -> int:
    """Return the magic number of the file system that a path is on: the first word of a struct statfs."""
    found = ctypes.create_string_buffer(256)
    _checked("statfs", os.fsencode(path), found)
    return int.from_bytes(found.raw[:4], sys.byteorder)  # 32 bits are what all architectures have
