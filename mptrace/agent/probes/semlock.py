"""SemLock, below all of multiprocessing's locks: who holds one, and who waits for one.

Try without blocking first, as ``sem_wait`` itself does; only a call that is going to block fills its wait slot. A Lock or
RLock has a held word, stored after it was taken and cleared before it is released; a counting semaphore has no holder, and
its ``release`` stays the C method it was. A wrapper knows its map through ``recorder.live``, never through a module's
globals: locks are released by finalizers that run when those are gone.

Names: a semaphore's own name is None under fork (it is unlinked at once), so it is noted when `_make_name` makes it. loky and
joblib put another `_make_name` there: then it gets one of ours, which forked children have with the lock.
Not seen: a failing store between taking a lock and noting it (a signal handler that raises right there).
"""

from __future__ import annotations

from _thread import get_ident
from functools import partial
from os import getpid
from time import monotonic_ns

from ...wire.resource import SEM, semaphore_key
from ...wire.wait import ACQUIRE
from .. import guard, identity, originals, recorder, twin, waits
from ..failure import hide
from ..holds import Cell, note, note_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "semlock"

_names: dict[int, str] = {}  # thread -> the name it has just made


def install(module: ModuleType) -> None:
    """Wrap acquire and release of every SemLock that is made from now on."""
    base = module.SemLock
    rare = _Rare(Cell(0, has_holder=False))
    for kind, enter, leave in ((module.Lock, _lock_enter, _lock_leave), (module.RLock, _rlock_enter, _rlock_leave)):
        originals.patch(NAME, kind, "__enter__", twin.method("enter") or partial(enter, rare))
        originals.patch(NAME, kind, "__exit__", twin.method("exit") or partial(leave, rare))
    originals.patch(NAME, base, "__enter__", twin.method("enter") or partial(_semaphore_enter, rare))
    originals.patch(NAME, base, "_make_name", _remember_name)
    originals.patch(NAME, base, "_make_methods", lambda original: _make_methods(original, module.Lock, module.RLock))


def _remember_name(original: Callable[[], str]) -> Callable[[], str]:
    def _make_name() -> str:
        name = original()
        _names[get_ident()] = name
        return name

    return _make_name


def _make_methods(original: Callable[[Any], None], lock: type, rlock: type) -> Callable[[Any], None]:
    def _make_methods(self: Any) -> None:
        original(self)
        try:
            methods = _lock_methods if isinstance(self, lock) else _rlock_methods if isinstance(self, rlock) else None
            _equip(self, methods)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return _make_methods


def _equip(self: Any, methods: Callable[[Any, Cell], tuple[object, object]] | None) -> None:
    semlock = self._semlock
    made = _names.pop(get_ident(), None)
    name = semlock.name or made or f"/{getpid()}-{semlock.handle}-{monotonic_ns()}"
    if type(name) is not str:
        return
    cell = Cell(semaphore_key(name), has_holder=methods is not None)
    setattr(self, identity.NAME, cell)
    kind = twin.SEMAPHORE if methods is None else twin.LOCK if methods is _lock_methods else twin.RLOCK
    acquire, release = twin.equip(cell, semlock, kind) or _disguised(methods or _semaphore_methods, semlock, cell)
    self.acquire = acquire
    if methods is not None:
        self.release = release


def _disguised(methods: Callable[[Any, Cell], tuple[object, object]], semlock: Any, cell: Cell) -> tuple[object, object]:
    acquire, release = methods(semlock, cell)
    return originals.disguise(acquire, semlock.acquire), release and originals.disguise(release, semlock.release)


def _block(take: Callable[..., bool], cell: Cell, block: object = True, timeout: Any = None) -> bool:
    """Make the call that is going to block."""
    saved = None
    try:
        saved = waits.begin(ACQUIRE, SEM, cell.key, timeout, place=cell)
        return take(block, timeout)
    finally:
        waits.end(saved)


def _take(take: Callable[..., bool], cell: Cell, block: object, timeout: Any) -> bool:
    """Take with whatever arguments the program gave: what C may refuse must go to it before anything is tried."""
    if type(block) not in (bool, int) or type(timeout) not in (int, float, _NoneType):
        return _block(take, cell, block, timeout)
    if not block:
        return take(block, timeout)
    return take(False) or _block(take, cell, block, timeout)


_NoneType = type(None)


def _semaphore_methods(semlock: Any, cell: Cell) -> tuple[object, None]:
    take = semlock.acquire

    def acquire(block: Any = True, timeout: Any = None) -> bool:
        if block is True and timeout is None and take(False):
            return True
        try:
            return take_(take, cell, block, timeout)
        except BaseException as error:
            hide_(error)
            raise

    take_, hide_ = _take, hide
    return acquire, None


def _lock_methods(semlock: Any, cell: Cell) -> tuple[object, object]:
    take, give, held = semlock.acquire, semlock.release, cell.held
    live, ident, note_, foreign, take_, hide_ = recorder.live, get_ident, note, note_foreign, _take, hide

    def acquire(block: Any = True, timeout: Any = None) -> bool:
        if block is not True or timeout is not None or not take(False):
            try:
                if not take_(take, cell, block, timeout):
                    return False
            except BaseException as error:
                hide_(error)
                raise
        words = cell.era = live[0]
        words[held] = ident()
        if not cell.lean:
            note_(cell)
        return True

    def release() -> None:
        words = live[0]
        if cell.era is not words:
            foreign(cell)
        cell.era = None
        words[held] = 0
        try:
            give()
        except BaseException as error:  # it says that nobody holds the lock
            hide_(error)
            raise

    return acquire, release


def _rlock_methods(semlock: Any, cell: Cell) -> tuple[object, object]:
    take, give, held, count = semlock.acquire, semlock.release, cell.held, semlock._count
    live, ident, note_, take_, hide_ = recorder.live, get_ident, note, _take, hide

    def acquire(block: Any = True, timeout: Any = None) -> bool:
        if block is not True or timeout is not None or not take(False):
            try:
                if not take_(take, cell, block, timeout):
                    return False
            except BaseException as error:
                hide_(error)
                raise
        if count() == 1:
            live[0][held] = ident()
            if not cell.lean:
                note_(cell)
        return True

    def release() -> None:
        words = live[0]
        owner = words[held]
        if count() == 1:
            words[held] = 0
        try:
            give()
        except BaseException as error:
            words[held] = owner
            hide_(error)
            raise

    return acquire, release


class _Rare:
    """What `with` seldom needs, as one thing: each variable of a closure costs every call of it. ``unwatched``: the cell of a lock that has none.

    No default of the class stands in for that: an attribute that an instance and its class both have is looked up the slow way.
    """

    __slots__ = ("block", "foreign", "hide", "note", "unwatched")

    def __init__(self, unwatched: Cell) -> None:
        self.unwatched, self.block, self.note, self.foreign, self.hide = unwatched, _block, note, note_foreign, hide


def _lock_enter(rare: _Rare, _original: Callable[..., bool]) -> Callable[[Any], bool]:
    ident, words = get_ident, recorder.words

    def follow(new: Any) -> None:
        nonlocal words
        words = new

    def __enter__(self: Any) -> bool:  # noqa: N807
        try:
            cell = self._mptrace
        except AttributeError:
            cell = rare.unwatched
        if not self._semlock.acquire(False):
            try:
                rare.block(self._semlock.acquire, cell)
            except BaseException as error:
                rare.hide(error)
                raise
        cell.era = words
        words[cell.held] = ident()
        if cell.lean:
            return True
        rare.note(cell)
        return True

    recorder.followers.append(follow)
    return __enter__


def _lock_leave(rare: _Rare, _original: Callable[..., None]) -> Callable[..., None]:
    words = recorder.words

    def follow(new: Any) -> None:
        nonlocal words
        words = new

    def __exit__(self: Any, kind: Any = None, value: Any = None, trace: Any = None, /) -> None:  # noqa: ARG001, N807
        try:
            cell = self._mptrace
        except AttributeError:
            cell = rare.unwatched
        if cell.era is not words:
            rare.foreign(cell)
        cell.era = None
        words[cell.held] = 0
        try:
            self._semlock.release()
        except BaseException as error:
            rare.hide(error)
            raise

    recorder.followers.append(follow)
    return __exit__


def _rlock_enter(rare: _Rare, _original: Callable[..., bool]) -> Callable[[Any], bool]:
    live, ident = recorder.live, get_ident

    def __enter__(self: Any) -> bool:  # noqa: N807
        try:
            cell, semlock = self._mptrace, self._semlock
        except AttributeError:
            cell, semlock = rare.unwatched, self._semlock
        if not semlock.acquire(False):
            try:
                rare.block(semlock.acquire, cell)
            except BaseException as error:
                rare.hide(error)
                raise
        if semlock._count() == 1:
            live[0][cell.held] = ident()
            if not cell.lean:
                rare.note(cell)
        return True

    return __enter__


def _rlock_leave(rare: _Rare, _original: Callable[..., None]) -> Callable[..., None]:
    live = recorder.live

    def __exit__(self: Any, kind: Any = None, value: Any = None, trace: Any = None, /) -> None:  # noqa: ARG001, N807
        try:
            cell, semlock = self._mptrace, self._semlock
        except AttributeError:
            cell, semlock = rare.unwatched, self._semlock
        words, held = live[0], cell.held
        owner = words[held]
        if semlock._count() == 1:
            words[held] = 0
        try:
            semlock.release()
        except BaseException as error:
            words[held] = owner
            rare.hide(error)
            raise

    return __exit__


def _semaphore_enter(rare: _Rare, _original: Callable[..., bool]) -> Callable[[Any], bool]:
    def __enter__(self: Any) -> bool:  # noqa: N807
        take = self._semlock.acquire
        if take(False):
            return True
        try:
            return rare.block(take, getattr(self, identity.NAME, rare.unwatched))
        except BaseException as error:
            rare.hide(error)
            raise

    return __enter__
