"""Managers: which process serves one, and who waits for an answer from it."""

from __future__ import annotations

from ...wire.events import resources, shared
from ...wire.resource import OBJECT
from ...wire.wait import CALL
from .. import callsite, guard, identity, originals, recorder, waits
from ..failure import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "managers"


def install(module: ModuleType) -> None:
    """Have the start of managers told, and calls through their proxies marked."""
    originals.patch(NAME, module.BaseManager, "start", _start)
    originals.patch(NAME, module.BaseProxy, "_callmethod", _callmethod)


def _start(original: Callable[..., None]) -> Callable[..., None]:
    def start(self: Any, initializer: Any = None, initargs: Any = ()) -> None:
        original(self, initializer, initargs)
        try:
            key, pid = identity.of_manager(self._address), self._process.pid
            recorder.log_some(resources.MADE, OBJECT, key, "Manager", callsite.here(), "", pid or 0)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return start


def _callmethod(original: Callable[..., Any]) -> Callable[..., Any]:
    places: dict[str, waits.Place] = {}

    def _callmethod(self: Any, methodname: Any, args: Any = (), kwds: Any = {}) -> Any:  # noqa: B006 - as the original has it
        saved = None
        try:
            saved = _intend(self, methodname, places)
            result = original(self, methodname, args, kwds)
            if type(result) in _CONTAINERS:
                _note_copy(self, methodname, result)
            return result
        except BaseException as error:
            hide(error)
            raise
        finally:
            waits.end(saved)

    return _callmethod


def _intend(proxy: Any, method: Any, places: dict[str, waits.Place]) -> waits.Saved:
    """Mark the call; detail: number of a text with the method's name."""
    try:
        key, name = identity.of_manager(proxy._token.address), f"{proxy._token.typeid}.{method}"
        place = places.get(name)
        if place is None:
            if len(places) > _MOST_PLACES:
                places.clear()
            place = places[name] = waits.Place(key)
        return waits.intend(CALL, OBJECT, key, None, callsite.text(name), place=place)
    except Exception:  # noqa: BLE001 - the guest's oath
        return None


_MOST_PLACES = 1000
_CONTAINERS = frozenset((list, dict, set))
_TAKING = frozenset(("__getitem__", "get", "setdefault", "__getattribute__"))
_copies: set[int] = set()
"""Lines that took a container out of a proxy, each told once."""


def _note_copy(proxy: Any, method: Any, container: object) -> None:
    try:
        site = callsite.here() if method in _TAKING else 0
        if site and site not in _copies and len(_copies) < _MOST_PLACES:
            _copies.add(site)
            token, kind = proxy._token, type(container).__name__
            recorder.log(shared.COPY_TAKEN, identity.of_manager(token.address), str(token.typeid), str(method), kind, site)
    except Exception:  # noqa: BLE001 - the guest's oath
        guard.trouble(NAME)
