"""Callbacks of a pool that raise KeyError: its result thread takes that for a result nobody knows, and says nothing.

CPython Lib/multiprocessing/pool.py, _handle_results: ``try: cache[job]._set(i, obj)  except KeyError: pass``. ``_set`` runs the
callback before it says that the result is there, so whoever waits for it waits for ever, without a line on stderr. Any other
exception ends the thread, which the probe `threads` tells of.
"""

from __future__ import annotations

from ..wire.events import failures
from . import brief, failure, guard, recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def watch(result: Any, pool: int) -> None:
    """Let the callbacks of one result tell of a KeyError; ``pool``: OBJECT key. What a forked child inherits tells there."""
    for name in ("_callback", "_error_callback"):
        callback = getattr(result, name, None)
        if callback is not None:
            setattr(result, name, _watched(callback, pool, result._job))


def _watched(callback: Callable[[Any], object], pool: int, job: int) -> Callable[[Any], object]:
    def watched(value: Any) -> object:
        try:
            return callback(value)
        except KeyError as error:
            _note(callback, pool, job, error)
            raise

    return watched


def _note(callback: Callable[[Any], object], pool: int, job: int, error: KeyError) -> None:
    failure.hide(error)
    try:
        recorder.log_some(
            failures.CALLBACK_FAILED, pool, job, brief.name_of(callback), failure.kind(error), failure.message(error),
            failure.text(error), failure.raised_at(error),
        )  # fmt: skip
    except Exception:  # another error than KeyError would end the pool's thread
        guard.trouble("pool")
