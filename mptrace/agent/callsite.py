"""Where in the program a call comes from: places and stacks as small numbers, each told to the recording once.

The program's place is the innermost frame outside the standard library and outside of us. In a forked child the frames below
``BaseProcess._bootstrap`` are its parent's: they are not looked at.
"""

from __future__ import annotations

import os
import sys

from ..wire.events import sites
from . import recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

LIMIT = 4000
"""Most places, stacks and texts that are told a process, each; further ones are number 0, 'unknown'."""

DEPTH = 24
"""Most frames of a stack."""

_STDLIB = os.path.dirname(os.__file__) + "/"
_PACKAGES = (_STDLIB + "site-packages/", _STDLIB + "dist-packages/")
_OURS = os.path.dirname(os.path.dirname(__file__)) + "/"


_STARTED_BY_COMMAND = ("spawn", "forkserver", "resource_tracker")


def _is_command() -> bool:
    """Is the program a text after ``-c``? Else ``<string>`` is code that somebody generated (a proxy's methods): nobody's line."""
    try:
        arguments = sys.orig_argv
        command = arguments[arguments.index("-c") + 1]
        return not any(f"from multiprocessing.{module} import" in command for module in _STARTED_BY_COMMAND)
    except (AttributeError, ValueError, IndexError):
        return False


_IS_COMMAND = _is_command()

_sites: dict[tuple[int, int], int] = {}
PROGRAM, LIBRARY, OURS = range(3)

_kept: list[CodeType] = []  # so that an id() in _sites stays the code's own
_library: dict[str, int] = {}  # file name -> whose it is: PROGRAM, LIBRARY or OURS
_bottoms: set[str] = set()  # those among them that a forked child's stack begins in
_stacks: dict[tuple[int, ...], int] = {}
_texts: dict[str, int] = {}


def _kind(code: CodeType) -> int:
    name = code.co_filename
    kind = _library.get(name)
    if kind is None:
        ours = name.startswith(_OURS)
        generated = name.startswith("<frozen") or (name == "<string>" and not _IS_COMMAND)
        library = generated or (name.startswith(_STDLIB) and not name.startswith(_PACKAGES))
        kind = _library[name] = OURS if ours else int(library)
        if name.endswith("multiprocessing/process.py"):
            _bottoms.add(name)
    return kind


def asker() -> str:
    """Return the name of the library module that this call came from, "" if it came from the program.

    Modules that only pass a call on (``multiprocessing.context``) and the caller's own module are not looked at.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        kind, name = _kind(code), str(frame.f_globals.get("__name__", ""))
        if kind == PROGRAM or _is_bottom(code):
            return ""
        if kind == LIBRARY and name not in _PASSING_ON:
            return name
        frame = frame.f_back
    return ""


_PASSING_ON = ("multiprocessing.context", "multiprocessing.synchronize", "multiprocessing.connection", "functools", "contextlib")


def _is_bottom(code: CodeType) -> bool:
    return code.co_name == "_bootstrap" and code.co_filename.endswith("multiprocessing/process.py")


def is_program(code: CodeType) -> bool:
    """Is this code the program's: neither the standard library's nor ours?"""
    return not _kind(code)


def is_called_by_program(frame: FrameType) -> bool:
    """Is the caller of this frame the program's? Nobody calls what C calls: a function that atexit was given, a callback."""
    caller = frame.f_back
    return caller is not None and is_program(caller.f_code)


def is_ours(code: CodeType) -> bool:
    """Is this code the agent's?"""
    return _kind(code) == 2


def program_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the program at or above ``frame``; None if there is only library above."""
    known, bottoms = _library.get, _bottoms
    while frame is not None:  # no calls of ours in here: a worker looks for its program at every lock it takes
        code = frame.f_code
        name = code.co_filename
        kind = known(name)
        if not kind and (kind is not None or not _kind(code)):
            return frame
        if name in bottoms and code.co_name == "_bootstrap":
            return None
        frame = frame.f_back
    return None


def here(depth: int = 1) -> int:
    """Return the number of the program's place that this call came from (0: no program above); ``depth`` frames are skipped."""
    frame = program_frame(sys._getframe(depth))
    return 0 if frame is None else frame_number(frame)


def frame_number(frame: FrameType) -> int:
    """Return the number of the place where a frame is."""
    code, lasti = frame.f_code, frame.f_lasti
    return _sites.get((id(code), lasti)) or number(code, lasti, frame.f_lineno or 0)  # f_lineno costs: only when new


def number(code: CodeType, lasti: int, line: int) -> int:
    """Return the number of one place, telling the recording about it if it is new."""
    known = _sites.get((id(code), lasti))
    if known is not None:
        return known
    if len(_sites) >= LIMIT:
        return 0
    _kept.append(code)
    new = _sites[id(code), lasti] = len(_sites) + 1
    name = getattr(code, "co_qualname", code.co_name)
    recorder.log(sites.SITE, new, _absolute(code.co_filename), line, name)
    return new


def _absolute(name: str) -> str:
    try:
        return name if name.startswith(("/", "<")) else os.path.abspath(name)
    except OSError:
        return name


def stack(depth: int = 1) -> int:
    """Return the number of the current stack, innermost first, without our frames (0: unknown)."""
    return _walk(sys._getframe(depth))[1]


def here_and_stack(ours: int = 0) -> tuple[int, int]:
    """Return what `here` and `stack` would, for the price of one walk; ``ours``: so many frames more are ours anyway."""
    return _walk(sys._getframe(1 + ours))


def place_and_stack_of(frame: FrameType | None) -> tuple[int, int]:
    """Return the same of any frame, such as another thread's."""
    return _walk(frame)


def _walk(frame: FrameType | None) -> tuple[int, int]:
    site, left = 0, DEPTH
    found: list[int] = []
    known, numbers, bottoms = _library.get, _sites.get, _bottoms
    while frame is not None and left:
        code = frame.f_code
        name = code.co_filename
        kind = known(name)
        if kind is None:
            kind = _kind(code)
        if kind == OURS:
            frame = frame.f_back
            continue
        one = numbers((id(code), frame.f_lasti)) or frame_number(frame)
        found.append(one)
        left -= 1
        if not kind and not site:
            site = one
        if name in bottoms and code.co_name == "_bootstrap":
            break
        frame = frame.f_back
    return site, _stack_number(tuple(found))


def _stack_number(key: tuple[int, ...]) -> int:
    known = _stacks.get(key)
    if known is not None or len(_stacks) >= LIMIT:
        return known or 0
    new = _stacks[key] = len(_stacks) + 1
    recorder.log(sites.STACK, new, " ".join(map(str, key)))
    return new


def text(value: str) -> int:
    """Return the number of a short text that many records refer to (a task function's name)."""
    known = _texts.get(value)
    if known is not None or len(_texts) >= LIMIT:
        return known or 0
    new = _texts[value] = len(_texts) + 1
    recorder.log(sites.TEXT_SEEN, new, value)
    return new
