"""The compiled twin of the hottest paths, where it can be had: ``recorder`` is the module ``_recorder``, or None.

`Place` and `End` are the fields that both twins share, kept where C reads them without asking. Nothing here is chosen by a
file's suffix: a module built with newer headers would load into an older interpreter too, so we look at the interpreter.

Fork: `attach` is called again in the child; until then, and in a child that Python does not know of, C stores nowhere.
Spawn: the child loads its own. Sub-interpreters and free-threaded builds: Python only.
"""

from __future__ import annotations

import sys
from os import environ

from ...wire import layout, resource, wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PURE = "MPTRACE_PURE_PYTHON"
"""Set in the environment, to anything but "" or 0: never use the compiled twin. Read once a process."""

LAYOUT = (
    layout.VERSION, layout.SIZE, layout.H_UNREAD, layout.THREAD_WORDS, layout.T_IDENT, layout.T_STATE, layout.T_WAIT,
    wait.ACQUIRE, wait.RECV, wait.SEND, resource.SEM, resource.PIPE, layout.S_STACK,
    layout.HELD // 8, layout.CELLS // 8, layout.CELL_WORDS, wait.READY,
    layout.T_TID, layout.RING // 8, layout.RING_RECORDS, layout.RING_WORDS, layout.R_WAITED, layout.LOG, layout.LOG_SIZE,
)  # fmt: skip
"""What the compiled module must have been built for: one that was left over from another version is not used."""


def _load() -> Any:
    if environ.get(PURE, "") not in ("", "0") or not _fits():
        return None
    try:
        from . import _recorder  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - it was not built, or not for this machine
        return None
    return _recorder if _recorder.LAYOUT == LAYOUT else None


def _fits() -> bool:
    """Is this the kind of interpreter that the module was built for: CPython with a GIL, no debug build?"""
    return sys.implementation.name == "cpython" and sys.version_info >= (3, 10) and not getattr(sys, "abiflags", "")


recorder: Any = _load()


class Place:
    """The fields of a waits.Place, and of a lock's cell."""

    __slots__ = ("fixed", "held", "key", "lean", "since", "site", "stack")

    fixed: bool
    held: int
    key: int
    lean: bool
    since: int
    site: int
    stack: int


class End:
    """The fields of a connection.End; ``recv``, ``send`` and ``poll`` are Places."""

    __slots__ = ("got", "key", "poll", "received", "recv", "send", "sent", "used")

    got: int
    key: int
    poll: Any
    received: int
    recv: Any
    send: Any
    sent: int
    used: int


if recorder:
    Place, End = recorder.Place, recorder.End  # type: ignore[misc]


def attach(file: object) -> int:
    """From now on write to this map (kept by the caller for as long as the process lives); returns the header's flag for that."""
    if recorder is None:
        return 0
    try:
        recorder.attach(file)
    except Exception:  # noqa: BLE001 - a private map of a shape we do not know: C goes on storing nowhere
        return 0
    return layout.COMPILED
