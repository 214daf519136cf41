"""Managers: which process serves one, and who waits for an answer from it."""

from __future__ import annotations

from time import monotonic_ns

from ...wire.events import resources, shared
from ...wire.resource import OBJECT
from ...wire.wait import CALL
from .. import callsite, guard, identity, inherit, originals, recorder, totals, waits
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
    inherit.in_child_hooks.append(_stores.clear)


def _start(original: Callable[..., None]) -> Callable[..., None]:
    def start(self: Any, initializer: Any = None, initargs: Any = ()) -> None:
        try:
            original(self, initializer, initargs)
        except BaseException as error:
            hide(error)
            raise
        try:
            key, pid = identity.of_manager(self._address), self._process.pid
            recorder.log_some(resources.MADE, OBJECT, key, "Manager", callsite.here(), "", pid or 0)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return start


def _callmethod(original: Callable[..., Any]) -> Callable[..., Any]:
    places: dict[str, Method] = {}
    inherit.in_child_hooks.append(places.clear)

    def _callmethod(self: Any, methodname: Any, args: Any = (), kwds: Any = {}) -> Any:  # noqa: B006 - as the original has it
        saved = place = None
        try:
            place = _place_of(self, methodname, places)
            saved = _intend(place)
            result = original(self, methodname, args, kwds)
            if type(result) in _CONTAINERS:
                _note_copy(self, methodname, result)
            elif methodname in _STORING:
                _note_stored(self, methodname)
            return result
        except BaseException as error:
            hide(error)
            raise
        finally:
            waits.end(saved)
            if saved is not None and place is not None:
                place.count()

    return _callmethod


class Method(waits.Place):
    """A method of a manager's objects: where it was last called, how often, and how long that took in all."""

    __slots__ = ("name", "total")

    def __init__(self, key: int, name: str) -> None:
        super().__init__(key)
        self.name, self.total = name, totals.Total()

    def count(self) -> None:
        """Count a call that has come back."""
        try:
            total = self.total
            total.took_ns += monotonic_ns() - self.since
            if total.add():
                recorder.log(shared.PROXY_CALLS, self.key, self.name, total.count, total.took_ns, self.site)
        except Exception:  # noqa: BLE001 - the guest's oath
            pass


def _place_of(proxy: Any, method: Any, places: dict[str, Method]) -> Method | None:
    try:
        key, name = identity.of_manager(proxy._token.address), f"{proxy._token.typeid}.{method}"
        place = places.get(name)
        if place is None or place.key != key & _KEY:
            if len(places) > _MOST_PLACES:
                places.clear()
            place = places[name] = Method(key, name)
        return place
    except Exception:  # noqa: BLE001 - the guest's oath
        return None


_KEY = 0xFFFFFFFFFFFFFFFF


def _intend(place: Method | None) -> waits.Saved:
    """Mark the call; detail: number of a text with the method's name."""
    if place is None:
        return None
    try:
        return waits.intend(CALL, OBJECT, place.key, None, callsite.text(place.name), place=place)
    except Exception:  # noqa: BLE001 - the guest's oath
        return None


_MOST_PLACES = 1000
_CONTAINERS = frozenset((list, dict, set))
_TAKING = frozenset(("__getitem__", "get", "setdefault", "__getattribute__"))
_STORING = frozenset(("__setitem__", "__setattr__", "set"))
_copies: set[int] = set()
"""Lines that took a container out of a proxy, each told once."""

_stores: set[tuple[int, object]] = set()
"""Lines that stored something through a proxy, and what in: each told once."""


def _note_copy(proxy: Any, method: Any, container: object) -> None:
    try:
        site = callsite.here() if method in _TAKING else 0
        if site and site not in _copies and len(_copies) < _MOST_PLACES:
            _copies.add(site)
            token, kind = proxy._token, type(container).__name__
            recorder.log(shared.COPY_TAKEN, identity.of_manager(token.address), str(token.typeid), str(method), kind, site)
    except Exception:  # noqa: BLE001 - the guest's oath
        guard.trouble(NAME)


def _note_stored(proxy: Any, method: Any) -> None:
    try:
        token = proxy._token
        site = callsite.here() if len(_stores) < _MOST_PLACES else 0
        if site and (site, token.id) not in _stores:
            _stores.add((site, token.id))
            recorder.log(shared.WRITTEN, identity.of_manager(token.address), str(token.id), str(token.typeid), str(method), site)
    except Exception:  # noqa: BLE001 - the guest's oath
        guard.trouble(NAME)
