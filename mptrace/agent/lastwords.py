"""The Python stack at a fatal signal, and at SIGTERM: faulthandler, writing behind the records of this process's own file.

The descriptor is close-on-exec and lies above the usual range (`FIRST_NUMBER`, or just below the limit), so that neither a
child nor a test that counts descriptors meets it. A host that enables faulthandler itself, before or after us, has its way.
"""

from __future__ import annotations

import os
import sys
from fcntl import F_DUPFD_CLOEXEC, fcntl

from ..wire import layout
from . import recorder

FIRST_NUMBER = 900

_fd = -1
_registered = False


def enable() -> None:
    """Let faulthandler write to our file, unless the host uses it; never raises."""
    try:
        import faulthandler  # refused in a sub-interpreter with a GIL of its own

        if not faulthandler.is_enabled():
            _enable(faulthandler)
    except (OSError, ValueError, RuntimeError, AttributeError, ImportError):
        pass


def _enable(faulthandler: object) -> None:
    global _fd
    low = os.open(recorder._path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        _fd = fcntl(low, F_DUPFD_CLOEXEC, _number())
    finally:
        os.close(low)
    os.lseek(_fd, layout.SIZE, os.SEEK_SET)
    faulthandler.enable(file=_fd, all_threads=True)  # type: ignore[attr-defined]


def at_termination() -> None:
    """Have SIGTERM, where it ends this process as usual, write the stack first; never raises.

    The handler is C: Python's own, which `signal` knows, stays the default one, and what the program sets instead counts.
    """
    global _registered
    import faulthandler
    import signal

    try:
        if _fd >= 0 and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            faulthandler.register(signal.SIGTERM, file=_fd, all_threads=False, chain=True)
            _registered = True
    except (OSError, ValueError, RuntimeError, AttributeError):
        pass


def _forget_termination(faulthandler: object) -> None:
    """Take it back, unless the program has set a handler since: to unregister would put the default in that one's place."""
    global _registered
    if _registered:
        _registered = False
        import signal

        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            faulthandler.unregister(signal.SIGTERM)  # type: ignore[attr-defined]


def _number() -> int:
    limit = os.sysconf("SC_OPEN_MAX")
    return FIRST_NUMBER if limit > FIRST_NUMBER + 16 or limit < 0 else max(limit - 8, 3)


def reopen() -> None:
    """In a forked child: the same for its own file, if the parent's words were ours."""
    global _fd
    faulthandler = sys.modules.get("faulthandler")
    if _fd < 0 or faulthandler is None:
        return
    _forget_termination(faulthandler)
    old, _fd = _fd, -1
    faulthandler.disable()
    os.close(old)
    enable()
