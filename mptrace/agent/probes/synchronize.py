"""What the program makes of semaphores: Lock, RLock, Semaphore, BoundedSemaphore, Condition, Event, Barrier.

Each says where it was made and which semaphores it is made of; a lock that library code asked for names that module as
detail. Condition.wait, Event.wait and Barrier.wait are intents: what blocks below them is a semaphore (probes/semlock.py).
"""

from __future__ import annotations

from ...wire.events import resources
from ...wire.resource import OBJECT, SEM
from ...wire.wait import FLAG, NOTIFY, PARTIES
from .. import callsite, guard, identity, originals, recorder, waits
from ..failure import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "synchronize"

_CONDITION_PARTS = ("_lock", "_sleeping_count", "_woken_count", "_wait_semaphore")


def install(module: ModuleType) -> None:
    """Have everything that is made here told, and its waits marked."""
    kinds = [(getattr(module, name), name) for name in ("Lock", "RLock", "BoundedSemaphore", "Semaphore")]
    originals.patch(NAME, module.SemLock, "__init__", lambda original: _init(original, lambda s, a: _tell_semaphore(kinds, s, a)))
    originals.patch(NAME, module.SemLock, "__setstate__", lambda original: _setstate(original, kinds))
    originals.patch(NAME, module.Condition, "__init__", lambda original: _init(original, _tell_condition))
    originals.patch(NAME, module.Event, "__init__", lambda original: _init(original, _tell_event))
    originals.patch(NAME, module.Barrier, "__init__", lambda original: _init(original, _tell_barrier))
    originals.patch(NAME, module.Condition, "wait", lambda original: _wait(original, NOTIFY, identity.of_condition))
    originals.patch(NAME, module.Event, "wait", lambda original: _wait(original, FLAG, identity.of_event))
    originals.patch(NAME, module.Barrier, "wait", lambda original: _wait(original, PARTIES, identity.of_barrier))


def _init(original: Callable[..., None], tell: Callable[[Any, tuple[Any, ...]], None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        try:
            original(self, *args, **kwargs)
        except BaseException as error:
            hide(error)
            raise
        try:
            tell(self, args)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return __init__


def _kind_of(kinds: list[tuple[type, str]], lock: object) -> str:
    return next((name for kind, name in kinds if isinstance(lock, kind)), "SemLock")


def _tell_semaphore(kinds: list[tuple[type, str]], lock: Any, args: tuple[Any, ...]) -> None:
    value = args[1] if len(args) > 1 else lock._semlock._get_value()
    _made(SEM, identity.key_of(lock), _kind_of(kinds, lock), value)


def _made(family: int, key: int, kind: str, number: int) -> None:
    recorder.log_some(resources.MADE, family, key, kind, callsite.here(), callsite.asker(), number)


def _parts(owner_key: int, owner: object, roles: tuple[str, ...]) -> None:
    for role in roles:
        recorder.log_some(resources.PART, SEM, identity.key_of(getattr(owner, role)), OBJECT, owner_key, role)


def _tell_condition(condition: Any, _args: tuple[Any, ...]) -> None:
    key = identity.of_condition(condition)
    _made(OBJECT, key, "Condition", 0)
    _parts(key, condition, _CONDITION_PARTS)


def _tell_event(event: Any, _args: tuple[Any, ...]) -> None:
    key = identity.of_event(event)
    _made(OBJECT, key, "Event", 0)
    _parts(key, event, ("_flag",))
    recorder.log_some(resources.PART, OBJECT, identity.of_condition(event._cond), OBJECT, key, "_cond")


def _tell_barrier(barrier: Any, _args: tuple[Any, ...]) -> None:
    key = identity.of_barrier(barrier)
    _made(OBJECT, key, "Barrier", barrier._parties)
    recorder.log_some(resources.PART, OBJECT, identity.of_condition(barrier._cond), OBJECT, key, "_cond")


def _setstate(original: Callable[..., None], kinds: list[tuple[type, str]]) -> Callable[..., None]:
    def __setstate__(self: Any, state: Any) -> None:  # noqa: N807
        try:
            original(self, state)
        except BaseException as error:
            hide(error)
            raise
        try:
            recorder.log_some(resources.KNOWN, SEM, identity.key_of(self), _kind_of(kinds, self))
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return __setstate__


def _wait(original: Callable[..., Any], kind: int, key_of: Callable[[Any], int]) -> Callable[..., Any]:
    places: dict[int, waits.Place] = {}

    def wait(self: Any, timeout: Any = None) -> Any:
        saved = None
        try:
            saved = _intend(self, kind, key_of(self), timeout, places)
            return original(self, timeout)
        except BaseException as error:
            hide(error)
            raise
        finally:
            waits.end(saved)

    return wait


def _intend(what: Any, kind: int, key: int, timeout: Any, places: dict[int, waits.Place]) -> waits.Saved:
    place = places.get(key)
    if place is None:
        if len(places) > _MOST_PLACES:
            places.clear()
        place = places[key] = waits.Place(key)
    return waits.intend(kind, OBJECT, key, timeout, getattr(what, "_parties", 0), place=place)


_MOST_PLACES = 1000
