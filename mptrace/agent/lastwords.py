"""The Python stack at a fatal signal, and at SIGTERM: faulthandler, writing behind the records of this process's own file.

The descriptor is close-on-exec and lies above the usual range (`FIRST_NUMBER`, or just below the limit), so that neither a
child nor a test that counts descriptors meets it. A host that enables faulthandler itself, before or after us, has its way.
"""

from __future__ import annotations

import os
from _signal import SIG_DFL, SIGTERM, getsignal  # type: ignore[import-not-found]
from fcntl import F_DUPFD_CLOEXEC, fcntl

from ..wire import layout
from . import recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FIRST_NUMBER = 900

_faulthandler: Any = None
_fd, _inode = -1, 0
_registered = False


def enable() -> None:
    """Let faulthandler write to our file, unless the host uses it; never raises."""
    global _faulthandler
    try:
        import faulthandler  # refused in a sub-interpreter with a GIL of its own

        _faulthandler = faulthandler
        if not faulthandler.is_enabled():
            _enable()
    except (OSError, ValueError, RuntimeError, AttributeError, ImportError):
        pass


def _enable() -> None:
    global _fd, _inode
    low = os.open(recorder._path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        _fd, _inode = fcntl(low, F_DUPFD_CLOEXEC, _number()), os.fstat(low).st_ino
    finally:
        os.close(low)
    os.lseek(_fd, layout.SIZE, os.SEEK_SET)
    _faulthandler.enable(file=_fd, all_threads=True)


def at_termination() -> None:
    """Have SIGTERM, where it ends this process as usual, write the stack first; never raises.

    The handler is C: Python's own, which `signal` knows, stays the default one, and what the program sets instead counts.
    """
    global _registered
    try:
        if _fd >= 0 and getsignal(SIGTERM) == SIG_DFL:
            _faulthandler.register(SIGTERM, file=_fd, all_threads=False, chain=True)
            _registered = True
    except (OSError, ValueError, RuntimeError, AttributeError):
        pass


def _forget_termination() -> None:
    """Take it back, unless the program has set a handler since: to unregister would put the default in that one's place."""
    global _registered
    _registered = False
    if getsignal(SIGTERM) == SIG_DFL:
        _faulthandler.unregister(SIGTERM)


def _number() -> int:
    limit = os.sysconf("SC_OPEN_MAX")
    return FIRST_NUMBER if limit > FIRST_NUMBER + 16 or limit < 0 else max(limit - 8, 3)


def reopen() -> None:
    """In a forked child: the number that faulthandler knows leads to its own file, if the parent's words were ours."""
    if _fd < 0:
        return
    if _registered:
        _forget_termination()
    try:
        low = os.open(recorder._path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:  # there is no file: what goes to the parent's would be taken for its own
        _give_up()
        return
    try:
        _exchange(low)
    finally:
        os.close(low)


def _exchange(low: int) -> None:
    global _fd, _inode
    try:
        if os.fstat(_fd).st_ino == _inode:
            os.dup2(low, _fd, inheritable=False)
            os.lseek(_fd, layout.SIZE, os.SEEK_SET)
            _inode = os.fstat(low).st_ino
            return
    except OSError:
        pass
    _fd = -1  # the host has closed what it does not know, and may have its own there


def _give_up() -> None:
    global _fd
    old, _fd = _fd, -1
    try:
        _faulthandler.disable()
        if os.fstat(old).st_ino == _inode:
            os.close(old)
    except OSError:
        pass
