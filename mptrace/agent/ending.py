"""The orderly end of an interpreter: said once, with the exception of the main program that led to it.

Python keeps an exception that ended the main program in ``sys.last_exc`` (before 3.12: ``sys.last_value``); reading it there
leaves ``sys.excepthook`` the host's. A test runner stores caught ones in the same place: those were not caught at the bottom.
"""

from __future__ import annotations

import sys
from time import monotonic_ns

from ..wire import resource, wait
from ..wire.events import failures, processes
from . import failure, inherit, life, recorder, waits

_began = False
_place = waits.Place(0)
_told = 0  # id() of an exception: holding it would hold the variables of all its frames


def begin(*, is_child: bool = False) -> None:
    """The exit handlers begin (or the joining of threads before them); only the first call counts.

    ``is_child``: this is a Process whose function has returned, so no line of the program leads here.
    """
    global _began
    if _began:
        return
    _began = True
    error = uncaught()
    if error is not None and id(error) != _told:
        tell(error, "main", failure.raised_at(error))
    recorder.log(processes.EXITING, -1 if error is None else 1)
    if is_child:
        _place.since = monotonic_ns()  # as if it had been looked up: there is none of the program's
    waits.intend(wait.EXIT, resource.NONE, 0, place=_place)
    life.tell(life.at_exit)


def tell(error: BaseException, where: str, site: int) -> None:
    """Log the exception that ends this process, and do not log it again when the interpreter ends."""
    global _told
    _told = id(error)
    recorder.log(failures.UNCAUGHT, failure.kind(error), failure.message(error), failure.text(error), site, where)


def uncaught() -> BaseException | None:
    """Return the exception that ended the main program, if one did."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    trace = error.__traceback__ if isinstance(error, BaseException) else None
    return error if trace is not None and trace.tb_frame.f_back is None else None


def has_begun() -> bool:
    """Have they begun?"""
    return _began


def _in_child() -> None:
    global _began
    _began = False


inherit.in_child_hooks.append(_in_child)
