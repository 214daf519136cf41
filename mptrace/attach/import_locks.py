"""The lock of a module that a thread waits for: importlib's own object says who has it, and which module it is."""

from __future__ import annotations

from mptrace.attach.insight import Insight
from mptrace.attach.lock_holders import OWNER
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import Frame, SeenThread
from mptrace.attach.sight import LockHolder, Sight, Thing
from mptrace.wire import resource, wait

KIND = "import lock"
_FROZEN = "<frozen importlib"


def wanted_import_lock(insight: Insight, thread: SeenThread) -> int:
    """Return the address of the _ModuleLock that a thread waits for, by its innermost frame; 0 if it waits for none."""
    if thread.wait is None or thread.wait.kind != wait.MUTEX_WAIT or not thread.frames:
        return 0
    inner = thread.frames[0]
    if not inner.file.startswith(_FROZEN) or inner.function.rpartition(".")[2] != "acquire":
        return 0
    try:
        lock = inner.local("self")
        return lock if lock and insight.objects.class_of(lock)[1] == "_ModuleLock" else 0
    except Unreadable:
        return 0


def note_import_lock(sight: Sight, insight: Insight, address: int) -> None:
    """Note a module's lock, the module's name, and the thread that has it: the importer, where that is still there."""
    pid, attributes = insight.process.pid, insight.attributes(address)
    sight.things.append(Thing(pid, resource.MUTEX, address, KIND))
    name = insight.text(attributes.get("name", 0))
    if name:
        sight.things.append(Thing(pid, resource.MUTEX, address, name=name))
    owner = insight.number(attributes.get("owner", 0))
    holder = next((one for one in insight.process.threads.values() if owner and one.ident == owner), None)
    if holder is not None:
        sight.lock_holders.append(LockHolder(pid, address, owner, holder.tid, OWNER, _import_line(holder)))


def _import_line(thread: SeenThread) -> Frame | None:
    """Return the outermost line of a thread whose import is not finished."""
    last = max((number for number, frame in enumerate(thread.frames) if frame.file.startswith(_FROZEN)), default=-1)
    return next((frame for frame in thread.frames[last + 1 :] if not frame.is_library), None)
