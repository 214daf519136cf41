"""Queue, JoinableQueue and SimpleQueue: what they are made of, where items were put, and whose feeder dropped one.

Who waits in get() and put() is seen below: on the pipe, the locks and the semaphore, which are told as parts of the queue.
The place of a put is remembered only for items that pickling could refuse, in a ring of the last `PUTS` of the process.
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import count

from ...wire.events import failures, resources
from ...wire.resource import MUTEX, OBJECT, PIPE, SEM
from ...wire.wait import FEEDER_END, TASKS_DONE
from .. import brief, budget, callsite, depth, guard, identity, offender, originals, pools, recorder, twin, waits
from ..failure import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "queues"

PUTS = 256

_puts: list[tuple[int, int, int]] = [(0, 0, 0)] * PUTS  # id of the item, key of its queue, site
_next_put = count().__next__
_searches = budget.Budget(20, 1)


def install(module: ModuleType) -> None:
    """Have queues told, and the waits and losses of their own."""
    queue, joinable, simple = module.Queue, module.JoinableQueue, module.SimpleQueue
    originals.patch(NAME, queue, "__init__", lambda original: _init(original, lambda self: _tell_queue(self, joinable)))
    originals.patch(NAME, joinable, "__init__", lambda original: _init(original, _tell_joinable))
    originals.patch(NAME, simple, "__init__", lambda original: _init(original, _tell_simple))
    for owner, kind in ((queue, "Queue"), (simple, "SimpleQueue")):
        originals.patch(NAME, owner, "__setstate__", partial(_setstate, kind=kind))
    for owner in (queue, joinable):
        originals.patch(NAME, owner, "put", twin.function("put", _put, gate=pools.plain_items))
    originals.patch(NAME, joinable, "join", _join)
    originals.patch(NAME, queue, "_start_thread", _start_thread)
    originals.patch(NAME, queue, "_finalize_join", _finalize_join)
    originals.patch(NAME, queue, "_on_queue_feeder_error", _feeder_error)
    originals.patch(NAME, module, "is_exiting", _is_exiting)


def _init(original: Callable[..., None], tell: Callable[[Any], None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        try:
            original(self, *args, **kwargs)
        except BaseException as error:
            hide(error)
            raise
        try:
            tell(self)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return __init__


def _tell_queue(queue: Any, joinable: type) -> None:
    bound = queue._maxsize if queue._maxsize < _UNBOUNDED else 0
    key = _made(queue, "JoinableQueue" if isinstance(queue, joinable) else "Queue", bound)
    _parts(key, queue, ("_rlock", "_wlock", "_sem"))
    recorder.log_some(resources.PART, MUTEX, id(getattr(queue._notempty, "_lock", None)), OBJECT, key, "_notempty")


_UNBOUNDED = 0x7FFFFFFF  # SEM_VALUE_MAX, which stands for no bound


def _tell_joinable(queue: Any) -> None:
    key = identity.of_queue(queue)
    _parts(key, queue, ("_unfinished_tasks",))
    recorder.log_some(resources.PART, OBJECT, identity.of_condition(queue._cond), OBJECT, key, "_cond")


def _tell_simple(queue: Any) -> None:
    _parts(_made(queue, "SimpleQueue", 0), queue, ("_rlock", "_wlock"))


def _made(queue: Any, kind: str, number: int) -> int:
    key = identity.of_queue(queue)
    recorder.log_some(resources.MADE, OBJECT, key, kind, callsite.here(), _asker(), number)
    for role in ("_reader", "_writer"):
        recorder.log_some(resources.PART, PIPE, identity.key_of(getattr(queue, role)), OBJECT, key, role)
    return key


def _asker() -> str:
    asker = callsite.asker()
    return "" if asker == "multiprocessing.queues" else asker


def _parts(key: int, queue: Any, roles: tuple[str, ...]) -> None:
    for role in roles:
        part = identity.key_of(getattr(queue, role, None))
        if part:
            recorder.log_some(resources.PART, SEM, part, OBJECT, key, role)


def _setstate(original: Callable[..., None], kind: str) -> Callable[..., None]:
    def __setstate__(self: Any, state: Any) -> None:  # noqa: N807
        try:
            original(self, state)
        except BaseException as error:
            hide(error)
            raise
        try:
            name = "JoinableQueue" if hasattr(self, "task_done") else kind
            recorder.log_some(resources.KNOWN, OBJECT, identity.of_queue(self), name)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return __setstate__


def _put(original: Callable[..., None]) -> Callable[..., None]:
    plain, remember = pools.plain_items, _remember

    def put(self: Any, obj: Any, block: Any = True, timeout: Any = None) -> None:
        if type(obj) not in plain:
            remember(self, obj)
        try:
            original(self, obj, block, timeout)
        except BaseException as error:
            hide(error)
            raise

    return put


def _remember(queue: Any, item: object) -> None:
    try:
        _puts[_next_put() % PUTS] = (id(item), identity.of_queue(queue), callsite.here())
    except Exception:  # noqa: BLE001 - the guest's oath
        pass


def _put_site(queue_key: int, item: object) -> int:
    """Return where an item was put; of one that fell out of the ring, the one place where this queue is fed, if it is one."""
    ring = list(_puts)
    found = next((site for known, key, site in ring if known == id(item) and key == queue_key), 0)
    if found:
        return found
    others = {site for _, key, site in ring if key == queue_key}
    return others.pop() if len(others) == 1 else 0


def _feeder_error(original: Callable[..., None]) -> Callable[..., None]:
    def _on_queue_feeder_error(e: Any, obj: Any) -> None:
        try:
            _tell_dropped(e, obj, sys._getframe(1))
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)
        original(e, obj)

    return _on_queue_feeder_error


def _is_exiting(original: Callable[[], object]) -> object:
    """Watch what a feeder asks before it drops an item without calling `_on_queue_feeder_error`, since its process ends.

    What it says then, by ``util.info``, cannot be watched: logging counts the frames up to its caller.
    """

    def is_exiting() -> object:
        ending = original()
        try:
            error = sys.exc_info()[1] if ending else None
            if isinstance(error, Exception) and not isinstance(error, OSError):
                feeder = sys._getframe(1)
                if feeder.f_code.co_name == "_feed":
                    _tell_dropped(error, feeder.f_locals.get("obj"), feeder)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)
        return ending

    return is_exiting


def _tell_dropped(error: BaseException, item: object, feeder: Any) -> None:
    send_bytes = feeder.f_locals.get("send_bytes")
    key = identity.key_of(getattr(send_bytes, "__self__", None))
    path, blame = _blame(item, error) if _searches.spend() else ("", "")
    name, message = type(error).__name__, str(error)
    recorder.log_some(failures.ITEM_DROPPED, key, name, message, path, blame, brief.value(item), _put_site(key, item), 0)


def _blame(item: object, error: BaseException) -> tuple[str, str]:
    too_deep = isinstance(error, (RecursionError, MemoryError))
    return depth.repeated([("item", item)]) if too_deep else offender.find(item, error=error)


def _join(original: Callable[..., None]) -> Callable[..., None]:
    def join(self: Any) -> None:
        saved = None
        try:
            saved = waits.intend(TASKS_DONE, OBJECT, identity.of_queue(self))
            original(self)
        except BaseException as error:
            hide(error)
            raise
        finally:
            waits.end(saved)

    return join


def _start_thread(original: Callable[..., None]) -> Callable[..., None]:
    def _start_thread(self: Any) -> None:
        try:
            original(self)
        except BaseException as error:
            hide(error)
            raise
        try:
            self._thread._mptrace_queue = identity.of_queue(self)
            pools.served_end(self._writer)
            pools.served_lock(self._wlock)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return _start_thread


def _finalize_join(original: Callable[..., None]) -> Callable[..., None]:
    def _finalize_join(twr: Any) -> None:
        intent = wait = None
        try:
            key = getattr(twr(), "_mptrace_queue", 0)
            intent = waits.intend(FEEDER_END, OBJECT, key)
            wait = waits.begin(FEEDER_END, OBJECT, key)
            original(twr)
        except BaseException as error:
            hide(error)
            raise
        finally:
            waits.end(wait)
            waits.end(intent)

    return _finalize_join
