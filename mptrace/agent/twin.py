"""The compiled twin put to use: what it may ask of Python, and what the probes get from it; None where there is no twin."""

from __future__ import annotations

from _thread import get_ident

from . import callsite, kept, native, recorder, waits
from .holds import Cell, note, note_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SEMAPHORE, LOCK, RLOCK = range(3)

_ready = False


def method(name: str) -> Callable[[Any], Any] | None:
    """Return what makes the compiled wrapper of a method (``enter``, ``exit``, ``recv``, ``send``) from the original."""
    twin = _configured()
    return None if twin is None else lambda original: twin.method(name, original)


def function(
    name: str, wrap: Callable[[Any], Any], tell: Callable[..., object] | None = None, gate: object = None, large: int = 0
) -> Callable[[Any], Any]:
    """Return what makes a wrapper from an original: the compiled one, which leaves to that of ``wrap`` what is rare; or that itself.

    ``tell(arguments, result, exception)``: called of a call that the compiled one made when there is something to say of it.
    """
    twin = _configured()
    return wrap if twin is None else lambda original: twin.method(name, original, wrap(original), tell, gate, large)


def equip(cell: Cell, semlock: Any, kind: int) -> tuple[object, object] | None:
    """Return the compiled (acquire, release) of a SemLock, which note in ``cell`` what they do."""
    twin = _configured()
    return None if twin is None else twin.equip(cell, semlock, kind)


def _configured() -> Any:
    global _ready
    twin = native.recorder
    if twin is not None and not _ready:
        from _multiprocessing import SemLock

        twin.looks(_documented(SemLock.acquire), _documented(SemLock.release))
        twin.configure(_entry, note, note_foreign, _look, waits._rest, waits.tired, waits.FRESH_NS, waits.SHORT_NS)
        _ready = True
    return twin


def _documented(method: Any) -> str:
    """Return a builtin's documentation as its C source has it: with the signature that inspect shows."""
    signature, text = method.__text_signature__, method.__doc__ or ""
    return f"{method.__name__}{signature}\n--\n\n{text}" if signature else text


def _entry() -> int:
    return recorder.threads.get(get_ident()) or recorder.new_thread()


def _look(place: waits.Place) -> None:
    place.site, place.stack = callsite.here_and_stack()
    if kept.ways:
        kept.look(place)
