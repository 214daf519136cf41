"""Open files and sockets that a fork leaves in two processes: each tells where it first reads through one afterwards.

Found by what a Process is given and by the variables of the program where it forks, and only regular files and connected stream
sockets. Nothing of the host is patched for good: a file's innermost object gets attributes of its own that go with the first use;
``socket.socket`` has wrappers only while such a socket is there and was not used yet. Not seen: use by number (``os.read``), by C
code with descriptors of its own (sqlite3, HDF5), and TLS. Fork: this is about it; the child has what its parent has set.
"""

from __future__ import annotations

import os
import sys
from stat import S_ISREG
from types import FunctionType, ModuleType
from weakref import ref

from ...wire.events import resources
from .. import budget, callsite, child, guard, kept, life, originals, recorder
from ..failure import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

NAME = "handles"

DEPTH, OBJECTS = 3, 300
READING = ("readinto", "readall", "read")  # not seek: who writes to a file that can be read as well calls it, too
RECEIVING = ("recv", "recv_into")

_budget = budget.Budget(60, 1)
_sockets: dict[int, ref[Any]] = {}
"""id() of a socket -> itself, of those that were open at the last fork and were not used since."""

_scanned: dict[int, int] = {}
"""id() of a module's globals -> how many names it had when they were looked through."""


def install(_module: ModuleType) -> None:
    """Look at what every Process takes along, and at what the program has where it forks by itself."""
    import _io

    _wrapped.update({_io.TextIOWrapper: "buffer", _io.BufferedReader: "raw", _io.BufferedRandom: "raw"})
    _wrapped[_io.FileIO] = ""
    life.at_start.append(_at_start)
    os.register_at_fork(before=_before_fork)


_wrapped: dict[type, str] = {}
"""Type of a file object -> its attribute with the one below, "" for the innermost."""


def _at_start(process: Any) -> None:
    if child.start_method(process) not in ("", "fork"):
        return
    given = process.__dict__
    target = given.get("_target")
    roots = [given.get("_args"), given.get("_kwargs"), getattr(target, "__self__", None), getattr(target, "args", None)]
    frame = callsite.program_frame(sys._getframe(1))
    modules = [getattr(target, "__globals__", None), frame.f_globals if frame is not None else None]
    _watch_all([*roots, *(value for names in modules if names is not None for value in _new_in(names))])


def _before_fork() -> None:
    try:
        frame = sys._getframe(1)
        if NAME in guard.off or not callsite.is_program(frame.f_code):
            return
        known = frame.f_locals
        roots = list(known.values())
        if sys.version_info < (3, 13) and known is not frame.f_globals:
            known.clear()  # a copy, which would keep what it holds until the function returns
        _watch_all([*roots, *_new_in(frame.f_globals)])
    except Exception:  # noqa: BLE001 - the guest's oath
        guard.trouble(NAME)


def _new_in(names: dict[str, Any]) -> list[Any]:
    """Return the values of a module's variables, unless they were looked through and no name has come since."""
    if _scanned.get(id(names)) == len(names):
        return []
    _scanned[id(names)] = len(names)
    return list(names.values())


def _watch_all(roots: list[Any]) -> None:
    sockets = sys.modules.get("socket")
    for found in _handles(roots, sockets.socket if sockets else None):
        if type(found) in _wrapped:
            _watch_file(found)
        else:
            _watch_socket(found)


def _handles(roots: list[Any], socket: Any) -> Iterator[Any]:
    """Yield the innermost file objects and the sockets below some objects; no code of the program is run."""
    waiting, seen = [(root, 0) for root in roots], set[int]()
    while waiting and len(seen) < OBJECTS:
        what, depth = waiting.pop(0)
        kind = type(what)
        if kind in _DULL or id(what) in seen:
            continue
        seen.add(id(what))
        if kind in _wrapped:
            below = getattr(what, _wrapped[kind], None) if _wrapped[kind] and not what.closed else None
            if _wrapped[kind]:
                waiting.append((below, depth))
            else:
                yield what
        elif socket is not None and kind is socket:
            yield what
        elif depth < DEPTH:
            waiting += [(value, depth + 1) for value in _within(what, kind)]


_DULL = {int, float, str, bytes, bool, type(None), ModuleType, FunctionType, type, type(len)}


def _within(what: Any, kind: type) -> list[Any]:
    if kind in (list, tuple):
        return list(what[:20])
    if kind is not dict:
        if _is_inline(kind):
            return _inline(what)
        try:
            what = object.__getattribute__(what, "__dict__")
        except AttributeError:
            return []
    return list(what.values())[:50] if type(what) is dict else []


def _is_inline(kind: type) -> bool:
    """May attributes of such an object have no dict yet? Asked for one, 3.11 and 3.12 make it: then each is slow for ever.

    Not those that hold more than attributes (a list's items), of which there may be any number.
    """
    return (3, 11) <= sys.version_info < (3, 13) and not kind.__itemsize__ and kind.__basicsize__ <= _PLAIN_SIZE


_PLAIN_SIZE = type("_Plain", (), {}).__basicsize__


def _inline(what: Any) -> list[Any]:
    """Return the values of an object's attributes, and what is in those that are dicts, of which its own may be one."""
    values: list[Any] = []
    for value in _get_referents()(what)[:50]:
        values += list(value.values())[:50] if type(value) is dict else [value]
    return values


def _get_referents() -> Callable[[Any], list[Any]]:
    """Return gc.get_referents, leaving a program that has not imported gc without it."""
    known = "gc" in sys.modules
    import gc

    if not known:
        del sys.modules["gc"]
    return gc.get_referents


def _watch_file(raw: Any) -> None:
    status = None if raw.closed else os.fstat(raw.fileno())
    if status is None or not S_ISREG(status.st_mode) or not raw.readable():
        return
    for name in READING:
        raw.__dict__.setdefault(name, _first(ref(raw), name, getattr(type(raw), name)))


def _first(file: ref[Any], name: str, original: Callable[..., Any]) -> object:
    def read(*args: Any, **kwargs: Any) -> Any:
        raw = file()
        _tell_file(raw, name)
        try:
            return original(raw, *args, **kwargs)
        except BaseException as error:
            hide(error)
            raise

    return originals.disguise(read, original)


def _tell_file(raw: Any, name: str) -> None:
    try:
        for shadow in READING:
            raw.__dict__.pop(shadow, None)
        _tell("file", raw, str(raw.name), name)
    except Exception:  # noqa: BLE001 - the guest's oath
        guard.trouble(NAME)


def _watch_socket(found: Any) -> None:
    import _socket

    if found.fileno() < 0 or found.type != _socket.SOCK_STREAM:
        return
    if _socket.socket.getsockopt(found, _socket.SOL_SOCKET, _socket.SO_ACCEPTCONN):
        return  # several that wait for clients share it on purpose
    if not _sockets:
        for name in RECEIVING:
            originals.patch(NAME, type(found), name, lambda original, name=name: _receiving(original, name))  # type: ignore[misc]
    number = id(found)
    _sockets[number] = ref(found, lambda _: _forget(number))


def _receiving(original: Callable[..., Any], name: str) -> object:
    def receive(self: Any, *args: Any, **kwargs: Any) -> Any:
        if id(self) in _sockets:
            _tell_socket(self, name)
        try:
            return original(self, *args, **kwargs)
        except BaseException as error:
            hide(error)
            raise

    return receive


def _forget(number: int, sockets: dict[int, ref[Any]] = _sockets, restore: Callable[[str], None] = originals.restore) -> None:
    sockets.pop(number, None)
    if not sockets:
        restore(NAME)


def _tell_socket(found: Any, name: str) -> None:
    try:
        _forget(id(found))
        _tell("socket", found, "", name)
    except Exception:  # noqa: BLE001 - the guest's oath
        guard.trouble(NAME)


def _tell(what: str, found: Any, name: str, call: str) -> None:
    site, stack = callsite.here_and_stack()
    if site and _budget.spend():
        key = os.fstat(found.fileno()).st_ino
        recorder.log(resources.HANDLE_USED, key, what, name[:200], call, int(kept._holds()), site, stack)
