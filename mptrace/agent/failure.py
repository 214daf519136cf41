"""What the recording says of an exception: its kind, message, traceback and the program's line; formatted only when there is one."""

from __future__ import annotations

import sys

from . import brief, callsite, native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_goes_on_with = getattr(native.recorder, "goes_on_with", None) if sys.version_info < (3, 11) else None

MESSAGE = 1000
"""Longest message, in characters."""


def kind(error: BaseException) -> str:
    """Return the exception's class as the program writes it."""
    return brief.name_of(type(error))


def message(error: BaseException) -> str:
    """Return what ``str()`` says of it; never raises."""
    try:
        return str(error)[:MESSAGE]
    except Exception:
        return "<it cannot be printed>"


def text(error: BaseException) -> str:
    """Return the whole traceback as Python prints it, without our frames; never raises."""
    try:
        from traceback import TracebackException

        told = TracebackException(type(error), error, error.__traceback__)
        _strip(told)
        return "".join(told.format())
    except Exception:
        return kind(error)


def _strip(told: Any) -> None:
    """Take our frames out of a traceback's text; of those it is chained to as well, to a depth."""
    for _ in range(10):
        if told is None:
            return
        told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith(callsite._OURS)]
        told = told.__cause__ or told.__context__


def raised_at(error: BaseException) -> int:
    """Return the number of the deepest place of the program in the traceback (0: there is none)."""
    return place(deepest(error.__traceback__))


def deepest(entry: TracebackType | None) -> TracebackType | None:
    """Return the deepest entry of a traceback that is the program's."""
    found = None
    while entry is not None:
        if callsite.is_program(entry.tb_frame.f_code):
            found = entry
        entry = entry.tb_next
    return found


def place(entry: TracebackType | None) -> int:
    """Return the number of the place of one entry of a traceback."""
    return 0 if entry is None else callsite.number(entry.tb_frame.f_code, entry.tb_lasti, entry.tb_lineno)


def hide(error: BaseException) -> None:
    """Take the wrapper that has just caught ``error``, and ours below it, out of its traceback; follow it with a bare ``raise``.

    From Python 3.11 on a bare ``raise`` goes on with the exception's own traceback; 3.10 goes on with the one it began with,
    which only the compiled twin can change: where there is none, our frame stays visible.
    """
    try:
        entry = error.__traceback__
        while entry is not None and callsite.is_ours(entry.tb_frame.f_code):
            entry = entry.tb_next
        error.__traceback__ = entry
        if _goes_on_with is not None:
            _goes_on_with(entry)
    except Exception:  # noqa: BLE001 - the interpreter is being torn down
        pass
