"""Which call of the library the program made to get here (``Pool.map``), and which functions of the library lie between.

For rare events only: it walks the stack.
"""

from __future__ import annotations

import sys

from . import callsite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

_SPOKEN = {"BaseProcess": "Process", "ApplyResult": "AsyncResult", "MapResult": "AsyncResult", "_ConnectionBase": "Connection"}


def point(depth: int = 1) -> str:
    """Return the function of the library that the program called, "" if there is no program above."""
    between, program = _library_frames(_frame(depth + 1))
    return _spoken(between[-1]) if between and program else ""


def point_and_place() -> tuple[str, int]:
    """Return that, and the number of the program's place that the call came from (0: no program above)."""
    between, program = _library_frames(_frame(2))
    if program is None:
        return "", 0
    return _spoken(between[-1]) if between else "", callsite.frame_number(program)


def between(depth: int = 1) -> list[str]:
    """Return the names of the library's functions from here up to the program or the bottom, innermost first."""
    return [_spoken(frame) for frame in _library_frames(_frame(depth + 1))[0]]


def _frame(depth: int) -> FrameType | None:
    try:
        return sys._getframe(depth + 1)
    except ValueError:  # what C calls has no frame below it
        return None


def _library_frames(frame: FrameType | None) -> tuple[list[FrameType], FrameType | None]:
    """Return the library's frames up to the program, and the program's; None if there is none."""
    found: list[FrameType] = []
    while frame is not None:
        code = frame.f_code
        kind = callsite._kind(code)
        if kind == callsite.PROGRAM:
            return found, frame
        if kind == callsite.LIBRARY:
            found.append(frame)
            if code.co_name == "_bootstrap" and code.co_filename.endswith("multiprocessing/process.py"):
                break
        frame = frame.f_back
    return found, None


def _spoken(frame: FrameType) -> str:
    name = getattr(frame.f_code, "co_qualname", "") or _qualified(frame)
    owner, dot, method = name.removeprefix("BaseContext.").partition(".")
    return _SPOKEN.get(owner, owner) + dot + method


_names: dict[CodeType, str] = {}


def _qualified(frame: FrameType) -> str:
    """Return ``Class.method`` on Python 3.10, whose code objects do not know their class.

    A frame's ``f_locals`` would know, but asking for them there keeps all its variables alive until it returns.
    """
    code = frame.f_code
    if code not in _names:
        kinds = [value for value in list(frame.f_globals.values()) if isinstance(value, type)]
        owner = next((kind.__name__ for kind in kinds if _code_of(kind.__dict__.get(code.co_name)) is code), "")
        _names[code] = f"{owner}.{code.co_name}" if owner else code.co_name
    return _names[code]


def _code_of(method: object) -> object:
    for name in ("__func__", "fget", "__wrapped__"):
        method = getattr(method, name, None) or method
    return getattr(method, "__code__", None)
