"""Which call of the library the program made to get here (``Pool.map``), and which functions of the library lie between.

For rare events only: it walks the stack, and may look at a frame's variables to learn the class of a method.
"""

from __future__ import annotations

import sys

from . import callsite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_SPOKEN = {"BaseProcess": "Process", "ApplyResult": "AsyncResult", "MapResult": "AsyncResult", "_ConnectionBase": "Connection"}


def point(depth: int = 1) -> str:
    """Return the function of the library that the program called, "" if there is no program above."""
    between, program = _library_frames(sys._getframe(depth + 1))
    return _spoken(between[-1]) if between and program else ""


def between(depth: int = 1) -> list[str]:
    """Return the names of the library's functions from here up to the program or the bottom, innermost first."""
    return [_spoken(frame) for frame in _library_frames(sys._getframe(depth + 1))[0]]


def _library_frames(frame: FrameType | None) -> tuple[list[FrameType], bool]:
    found: list[FrameType] = []
    while frame is not None:
        code = frame.f_code
        if callsite.is_program(code):
            return found, True
        if not callsite.is_ours(code):
            found.append(frame)
            if code.co_name == "_bootstrap" and code.co_filename.endswith("multiprocessing/process.py"):
                break
        frame = frame.f_back
    return found, False


def _spoken(frame: FrameType) -> str:
    name = getattr(frame.f_code, "co_qualname", "") or _qualified(frame)
    owner, dot, method = name.removeprefix("BaseContext.").partition(".")
    return _SPOKEN.get(owner, owner) + dot + method


def _qualified(frame: FrameType) -> str:
    """Return ``Class.method`` on Python 3.10, whose code objects do not know their class."""
    name, me = frame.f_code.co_name, frame.f_locals.get("self")
    for kind in type(me).__mro__ if me is not None else ():
        method = kind.__dict__.get(name)
        if getattr(getattr(method, "__wrapped__", method), "__code__", None) is frame.f_code:
            return f"{kind.__name__}.{name}"
    return name
