"""Connections: who waits for bytes or for room, how many messages went each way, which ends this process has open.

The slot is filled before every receive and send, since whether one blocks is not known before: so these wrappers store it
themselves, site and stack looked up only when the last such wait at the same end began over `waits.FRESH_NS` ago. Such short
paths leave nothing in the ring.
"""

from __future__ import annotations

import os
from _thread import get_ident
from _weakref import ref
from time import monotonic_ns

from ...wire import layout
from ...wire.events import resources
from ...wire.resource import PIPE
from ...wire.wait import READY, RECV, SEND, STALE_SITE
from .. import callsite, guard, identity, inherit, kept, native, originals, polls, recorder, twin, waits
from ..failure import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "connection"

READABLE, WRITABLE = 1, 2

_RECV_AGAIN = RECV | PIPE << 8 | STALE_SITE << 16
_SEND_AGAIN = SEND | PIPE << 8 | STALE_SITE << 16


_ends: dict[int, ref[End]] = {}


class End(native.End):
    """What we keep for a Connection: its inode, its tally, how often it was used, and where it was last waited for, each way."""

    __slots__ = ("__weakref__", "entry", "tally")

    def __init__(self, key: int, ends: int) -> None:
        self.key, self.used, self.got = key, 0, 0
        self.entry = recorder.NOBODY  # of the thread that used it last
        self.tally = recorder.new_tally(key, ends) if ends else 0
        self.sent = self.tally + 1 if self.tally else layout.H_UNREAD
        self.received = self.tally + 2 if self.tally else layout.H_UNREAD
        self.recv, self.send, self.poll = waits.Place(key), waits.Place(key), waits.Place(key)
        _ends[id(self)] = ref(self)

    def closed(self) -> None:
        """Note that this process has closed its copy; the counts stay until the object goes."""
        if self.tally:
            recorder.words[self.tally + 3] = 0

    def forked(self) -> None:
        """Begin anew in a forked child: it has sent nothing, and waits at places of its own."""
        self.entry = recorder.NOBODY
        self.used = self.got = self.poll.since = 0
        self.recv.fixed = self.send.fixed = self.poll.fixed = False

    def shared(self) -> None:
        """It is open on both sides of a fork now."""
        if not self.recv.fixed:
            kept.forked(self.recv, RECV)
            kept.forked(self.send, SEND)

    def __del__(self, free_tally=recorder.free_tally, ends=_ends, ways=kept.ways):  # type: ignore[no-untyped-def]  # bound now: globals may be gone
        try:
            ends.pop(id(self), None)
            ways.pop(id(self.recv), None)
            ways.pop(id(self.send), None)
            free_tally(self.tally)
        except Exception:  # noqa: BLE001 - the interpreter is being torn down
            pass


def _in_child() -> None:
    for known in list(_ends.values()):
        end = known()
        if end is not None:
            end.forked()
            end.shared()
    _places.clear()


def _in_parent() -> None:
    try:
        for known in list(_ends.values()):
            end = known()
            if end is not None and end.tally:
                end.shared()
    except Exception:  # noqa: BLE001 - the guest's oath
        guard.trouble(NAME)


def install(module: ModuleType) -> None:
    """Wrap what blocks, and what makes and closes connections."""
    base = module._ConnectionBase
    inherit.in_child_hooks.append(_in_child)
    os.register_at_fork(after_in_parent=_in_parent)
    originals.patch(NAME, base, "__init__", _init)
    originals.patch(NAME, base, "close", _close)
    originals.patch(NAME, module.Connection, "_recv_bytes", twin.method("recv") or _recv_bytes)
    originals.patch(NAME, module.Connection, "_send_bytes", twin.method("send") or _send_bytes)
    originals.patch(NAME, module, "wait", twin.function("ready", _wait, polls.empty))
    originals.patch(NAME, module, "Pipe", _pipe)
    originals.patch(NAME, module, "rebuild_connection", _rebuild)
    originals.patch(NAME, module.SocketListener, "accept", _accept)


def _init(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, handle: Any, readable: Any = True, writable: Any = True) -> None:  # noqa: N807
        try:
            original(self, handle, readable, writable)
        except BaseException as error:
            hide(error)
            raise
        try:
            ends = READABLE * bool(readable) | WRITABLE * bool(writable)
            setattr(self, identity.NAME, End(identity.inode(self._handle), ends))
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return __init__


def _close(original: Callable[..., None]) -> Callable[..., None]:
    def close(self: Any) -> None:
        is_open = self._handle is not None
        try:
            original(self)
        except BaseException as error:
            hide(error)
            raise
        try:
            end = getattr(self, identity.NAME, None)
            if is_open and end is not None and end.key:
                end.closed()
                recorder.log_some(resources.END_CLOSED, end.key, int(self._readable), int(self._writable))
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return close


# The two functions below are the hottest of all. Measured in instructions (3.11): a store of a small number 320, of a time 500,
# one pack_into of six 1100; a load 260; the thread's ident 380, and 400 to look it up; the clock 450. So what stands in the slot
# from the last time is not stored again, and counts are kept here and only stored there. Timeout and detail of a slot whose
# state says neither TIMED nor SEND mean nothing.


def _recv_bytes(original: Callable[..., Any]) -> Callable[..., Any]:
    ident, now_ns, words, unknown = get_ident, monotonic_ns, recorder.words, End(0, 0)
    fresh_ns, again, carefully = waits.FRESH_NS, _RECV_AGAIN, _carefully

    def follow(new: Any) -> None:
        nonlocal words
        words = new

    def _recv_bytes(self: Any, maxsize: Any = None) -> Any:
        try:
            end = self._mptrace
        except AttributeError:
            end = unknown
        place, entry, now = end.recv, end.entry, now_ns()
        noted = entry.place
        if noted is None or (now - place.since > fresh_ns and not (place.fixed and place.stack)) or ident() != entry.ident:
            try:
                result = carefully(original, self, maxsize, RECV, end, place, 0)
            except BaseException as error:
                hide(error)
                raise
        else:
            entry.place, slot = None, entry.slot
            if noted is not place:
                if noted is not end.send:  # which has the same key
                    words[slot + 1] = end.key
                words[slot + 4], words[slot + 6] = place.site, place.stack
            place.since = words[entry.since] = now
            words[slot] = again
            try:
                result = original(self, maxsize)
            except BaseException as error:
                hide(error)
                raise
            finally:
                words[slot] = 0
                entry.place = place
        words[end.received] = end.got = end.got + 1
        return result

    recorder.followers.append(follow)
    return _recv_bytes


def _send_bytes(original: Callable[..., None]) -> Callable[..., None]:
    ident, now_ns, words, unknown = get_ident, monotonic_ns, recorder.words, End(0, 0)
    fresh_ns, again, carefully = waits.FRESH_NS, _SEND_AGAIN, _carefully

    def follow(new: Any) -> None:
        nonlocal words
        words = new

    def _send_bytes(self: Any, buf: Any) -> None:
        try:
            end = self._mptrace
        except AttributeError:
            end = unknown
        place, entry, now = end.send, end.entry, now_ns()
        noted = entry.place
        if noted is None or (now - place.since > fresh_ns and not (place.fixed and place.stack)) or ident() != entry.ident:
            try:
                carefully(original, self, buf, SEND, end, place, len(buf))
            except BaseException as error:
                hide(error)
                raise
        else:
            entry.place, slot, size = None, entry.slot, len(buf)
            if noted is not place:
                if noted is not end.recv:
                    words[slot + 1] = end.key
                words[slot + 4], words[slot + 6] = place.site, place.stack
            if entry.detail != size:
                words[slot + 5] = entry.detail = size
            place.since = words[entry.since] = now
            words[slot] = again
            try:
                original(self, buf)
            except BaseException as error:
                hide(error)
                raise
            finally:
                words[slot] = 0
                entry.place = place
        words[end.sent] = end.used = end.used + 1

    recorder.followers.append(follow)
    return _send_bytes


def _carefully(
    original: Callable[..., Any], self: Any, argument: Any, kind: int, end: End, place: waits.Place, detail: int
) -> Any:
    """Make the call with its site noted, and with whatever was waited for outside of it put back afterwards."""
    saved = None
    try:
        saved = waits.begin(kind, PIPE, place.key, None, detail, place=place)
        return original(self, argument)
    finally:
        waits.end(saved)
        if saved is not None:
            end.entry = recorder.entries.get(saved[0], recorder.NOBODY)


def _wait(original: Callable[..., Any]) -> Callable[..., Any]:
    def wait(object_list: Any, timeout: Any = None) -> Any:
        if type(timeout) in (int, float) and timeout <= 0:
            ready = original(object_list, timeout)
            if not ready:
                polls.empty()
            return ready
        saved = None
        try:
            saved = _begin_wait(object_list, timeout)
            return original(object_list, timeout)
        except BaseException as error:
            hide(error)
            raise
        finally:
            waits.end(saved)

    return wait


def _begin_wait(object_list: Any, timeout: Any) -> waits.Saved:
    """Note what is waited for: of several things, the first, and how many; a bare descriptor only if nobody knows better."""
    try:
        if type(object_list) not in (list, tuple, set, frozenset) or not object_list:
            return None
        first = next(iter(object_list))
        end = getattr(first, identity.NAME, None)
        if end is not None:
            return waits.begin(READY, PIPE, end.key, timeout, len(object_list), place=end.poll)
        if recorder.words[(recorder.threads.get(get_ident()) or recorder.new_thread()) + layout.T_WAIT]:
            return None  # Process.join waits for the child's sentinel: the join itself says more
        last = getattr(object_list[-1], identity.NAME, None) if type(object_list) is list else None
        if last is not None and last.poll.fixed:  # a pool's worker handler, at its workers and at what wakes it up
            return waits.begin(READY, PIPE, last.key, timeout, len(object_list), place=last.poll)
        fd = first if type(first) is int else first.fileno()
        place = _place_of(fd)
        return waits.begin(READY, PIPE, place.key, timeout, len(object_list), place=place)
    except Exception:  # noqa: BLE001 - the guest's oath
        return None


def _place_of(fd: int) -> waits.Place:
    """Return where a bare descriptor was last waited for: a pool looks at its workers' again and again."""
    inode = identity.inode(fd)
    place = _places.get(fd)
    if place is None or place.key != inode:
        if len(_places) >= PLACES:
            _places.clear()
        place = _places[fd] = waits.Place(inode)
    return place


PLACES = 64
_places: dict[int, waits.Place] = {}


def _pipe(original: Callable[..., Any]) -> Callable[..., Any]:
    def Pipe(duplex: Any = True) -> Any:  # noqa: N802
        try:
            ends = original(duplex)
        except BaseException as error:
            hide(error)
            raise
        try:
            _tell_pipe(ends[0], ends[1], bool(duplex))
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)
        return ends

    return Pipe


def _tell_pipe(one: Any, other: Any, duplex: bool) -> None:
    key, other_key = identity.key_of(one), identity.key_of(other)
    site, asker = callsite.here(), callsite.asker()
    recorder.log_some(resources.MADE, PIPE, key, "Pipe", site, asker, int(duplex))
    if other_key != key:
        recorder.log_some(resources.MADE, PIPE, other_key, "Pipe", site, asker, int(duplex))
    recorder.log_some(resources.PAIR, key, other_key, int(duplex))


def _rebuild(original: Callable[..., Any]) -> Callable[..., Any]:
    def rebuild_connection(df: Any, readable: Any, writable: Any) -> Any:
        try:
            connection = original(df, readable, writable)
        except BaseException as error:
            hide(error)
            raise
        try:
            recorder.log_some(resources.KNOWN, PIPE, identity.key_of(connection), "Connection")
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)
        return connection

    return rebuild_connection


def _accept(original: Callable[..., Any]) -> Callable[..., Any]:
    def accept(self: Any) -> Any:
        saved = None
        try:
            saved = waits.begin(READY, PIPE, identity.inode(getattr(self._socket, "fileno", int)()))
            return original(self)
        except BaseException as error:
            hide(error)
            raise
        finally:
            waits.end(saved)

    return accept
