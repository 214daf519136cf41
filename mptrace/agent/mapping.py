"""Map a file into this process without leaving a descriptor open, and without ever being killed for it.

Where there is a compiled recorder, it does so. In Python:

- A sparse file on a full disk kills with SIGBUS at the first store: so ``posix_fallocate``, which fails cleanly.
- ``posix_fallocate`` beyond RLIMIT_FSIZE raises SIGXFSZ; Python ignores that signal, but a program may have reset it.
- ``mmap`` keeps a duplicate of the descriptor, which tests and children of the host would count. From Python 3.13 on
  ``trackfd=False`` avoids it. Before, the duplicate's number is foretold (the lowest free one), checked and closed; the
  map object must then live as long as the interpreter, since its destructor closes that number again: `_keep` holds
  it where the interpreter looks last, behind all modules and all objects of the host.
"""

from __future__ import annotations

import os
import sys
from _signal import SIG_DFL, SIGXFSZ, getsignal  # type: ignore[import-not-found]

from . import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap
    from typing import Any

_kept: list[mmap] = []


def _keep(error: Exception, kept: list[mmap] = _kept) -> None:  # noqa: ARG001 - its default is what it is for
    raise error


def _file_map(path: str, size: int) -> mmap | None:
    try:
        if not may_write(size):
            return None
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except (OSError, ValueError):
        return None
    try:
        os.posix_fallocate(fd, 0, size)
        return _map(fd, size)
    except (OSError, ValueError, OverflowError):
        _unlink(path)
        return None
    finally:
        os.close(fd)


file_map: Any = native.recorder.file_map if native.recorder else _file_map
"""Return a shared map of a new file of (path, size) zero bytes, or None if there can be none; never raises."""


def private_map(size: int) -> bytearray:
    """Return memory of the same shape that nobody else sees."""
    return bytearray(size)


def may_write(size: int) -> bool:
    """Is a file of this size allowed, if its refusal would be deadly?"""
    if getsignal(SIGXFSZ) != SIG_DFL:
        return True
    from resource import RLIM_INFINITY, RLIMIT_FSIZE, getrlimit

    limit = getrlimit(RLIMIT_FSIZE)[0]
    return limit == RLIM_INFINITY or limit >= size


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _map(fd: int, size: int) -> mmap:
    from mmap import mmap

    if sys.version_info >= (3, 13):
        return mmap(fd, size, trackfd=False)
    foretold = os.dup(fd)
    os.close(foretold)
    made = mmap(fd, size)
    if _same_file(foretold, fd):
        if not _kept:
            import _codecs

            _codecs.register_error("_mptrace_keep", _keep)  # type: ignore[arg-type]
        _kept.append(made)
        os.close(foretold)
    return made


def _same_file(one: int, other: int) -> bool:
    try:
        return os.path.samestat(os.fstat(one), os.fstat(other))
    except OSError:
        return False
