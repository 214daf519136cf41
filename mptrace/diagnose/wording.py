"""Phrases that several rules use, so that a process, a lock or a call is named in the same way everywhere."""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Iterable

from mptrace.collect.sources import is_program
from mptrace.model.moment import Wait
from mptrace.model.process import Exit, Process, Thread, ThreadRole
from mptrace.model.resource import Resource
from mptrace.wire import wait as waits

SHOWN = 3
"""Names that a list shows before it counts the rest."""


def who(target: Process | Thread | None) -> str:
    """Return how a process is called; of a thread that is not its main thread, with the thread's name."""
    if target is None:
        return "somebody"
    if isinstance(target, Process):
        return target.name or f"pid {target.pid}"
    process = target.process.name or f"pid {target.process.pid}"
    if target.role is ThreadRole.MAIN or not target.name:
        return process
    return f"{target.name} of {process}"


def listed(names: Iterable[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``, ``a, b, c and 4 more``; each name once."""
    unique = list(dict.fromkeys(names))
    if len(unique) > SHOWN + 1:
        unique = [*unique[:SHOWN], f"{len(unique) - SHOWN} more"]
    return " and ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 event``, ``3 events``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def an(noun: str) -> str:
    """Return the noun with its article: ``a Lock``, ``an Event``."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def verb(count: int, singular: str, plural: str) -> str:
    """Return the form of a verb that fits so many subjects."""
    return singular if count == 1 else plural


def without_place(fix: str) -> str:
    """Return the text of a fix whose place is not known: without ``, taken at`` or `` at`` at its end."""
    if not fix.endswith(" at"):
        return fix
    return _PLACE.sub("", fix).removesuffix(" at")


_PLACE = re.compile(r"(?:[,;.]\s+(?:[^,;]*\b(?:is|was|\w+ed|made|taken|left|put|sent|asked for|handed in)\s)?at)$")


def signal_name(number: int) -> str:
    """Return ``SIGKILL`` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


_MODULE = re.compile(r"(<module '[^']*') from '[^']*'>")


def shortened(text: str, limit: int = 60) -> str:
    """Return a text on one line, cut in its middle; of a module only its name."""
    line = _MODULE.sub(r"\1>", " ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 13]} ... {line[-8:]}"


def how_it_ended(exit_: Exit | None, *, sender: bool = True) -> str:
    """Return ``was killed by SIGKILL from outside the job``, ``ended with status 3``, ...; fits behind a process's name."""
    if exit_ is None or not exit_.known:
        return "ended, how is not known"
    if exit_.signal is not None and exit_.by.startswith("--"):  # an option of ours
        return f"was ended by {exit_.by}"
    if exit_.signal is not None:
        return f"was killed by {signal_name(exit_.signal)}" + (_sender(exit_) if sender else "")
    return f"ended with status {exit_.code}" + (f" in {exit_.call}()" if exit_.call else "")


def _sender(exit_: Exit) -> str:
    if exit_.by == "outside":
        return " from outside the job"
    return f", sent by {exit_.by}" if exit_.by else ""


def call_of(wait: Wait) -> str:
    """Return the call of the program that waits, as the program would write it: ``results.get()``, ``join() of worker-1``."""
    call = wait.call
    target = call.target
    if library := _library_call(call):
        return library
    if isinstance(target, Resource):
        return _call_on(wait, target)
    if target is not None and call.kind in (waits.REAP, waits.THREAD_END):
        return f"join() of {who(target) if isinstance(target, Process) else target.name or who(target)}"
    return _plain(wait)


def _call_on(wait: Wait, target: Resource) -> str:
    call = wait.call
    if _ends_pool(call, target):
        return f"{_variable(target)}.terminate()"
    if _whose_task(wait) is not None:
        return f"get() of a task of {_variable(target)}"
    if call.kind in _OF_POOL and not call.method:
        return f"{_OF_POOL[call.kind]} of {_variable(target)}"
    method = call.method or _method(call.kind, target)
    if not method:
        return _plain(wait)
    return f"{_variable(target)}.{method}()" if target.outermost.name else f"{method}() of {_variable(target)}"


def _library_call(wait: Wait) -> str:
    """Return ``Event.wait()``, ``Queue.get()``: what of the library waits for a lock of its own; "" if it is the program itself."""
    if wait.kind != waits.MUTEX_WAIT or not wait.stack or is_program(wait.stack[0].file):
        return ""
    inside = [
        site for site in itertools.takewhile(lambda site: not is_program(site.file), wait.stack) if site.function[:1] != "<"
    ]
    name = inside[-1].function if inside else ""
    return f"{name}()" if name and name.rpartition(".")[2] not in _TAKING else ""


_TAKING = ("acquire", "__enter__", "_acquire", "acquireLock", "_acquireLock")


def _ends_pool(call: Wait, target: Resource) -> bool:
    """Is it the lock of the task queue, which only workers take, and whoever terminates the pool to keep them from it?"""
    pool = target.outermost
    is_lock = call.kind == waits.ACQUIRE and target.role == "_rlock" and pool.kind == "Pool"
    return is_lock and call.thread.process.pool is not pool


def doing(wait: Wait) -> str:
    """Return what a thread does in a wait: ``waits in results.get()``, ``wants stats``."""
    if (
        wait.call.kind in (waits.ACQUIRE, waits.MUTEX_WAIT)
        and wait.call.resource is not None
        and wait.call.resource.owner is None
        and not _library_call(wait.call)
    ):
        return f"wants {wait.call.resource.label}"
    pool = _whose_task(wait)
    if pool is not None:
        return f"waits for a task of {_variable(pool)}"
    return f"waits {_preposition(wait)} {call_of(wait)}"


def _whose_task(wait: Wait) -> Resource | None:
    """Return the pool, if it is a worker of that pool that has nothing to do."""
    pool, target = wait.thread.process.pool, wait.call.target
    is_part = isinstance(target, Resource) and target is not pool and target.outermost is pool
    return pool if is_part and target is not None else None


def _method(kind: int, target: Resource) -> str:
    """Return the method of the program's object that leads to a wait for one of its parts."""
    return _PART_METHODS.get(target.role, "") if target.owner is not None and kind in _INNER else _METHODS.get(kind, "")


def _preposition(wait: Wait) -> str:
    return "at its" if wait.call.kind == waits.EXIT else "in"


def _variable(resource: Resource) -> str:
    outer = resource.outermost
    return outer.name or outer.label


def _plain(wait: Wait) -> str:
    return _CALLS.get(wait.call.kind, waits.NAMES.get(wait.call.kind, "a wait"))


_OF_POOL = {waits.RESULT: "get() of a result", waits.FUTURE: "result() of a future"}

_METHODS = {
    waits.ACQUIRE: "acquire", waits.RECV: "recv", waits.SEND: "send", waits.READY: "poll", waits.RESULT: "get",
    waits.FUTURE: "result", waits.NOTIFY: "wait", waits.FLAG: "wait", waits.PARTIES: "wait", waits.TASKS_DONE: "join",
    waits.FEEDER_END: "join_thread", waits.ITEM: "get", waits.ROOM: "put", waits.POOL_END: "join", waits.MUTEX_WAIT: "acquire",
}  # fmt: skip

_INNER = frozenset((waits.ACQUIRE, waits.RECV, waits.SEND, waits.READY, waits.MUTEX_WAIT))

_PART_METHODS = {
    "_rlock": "get", "_reader": "get", "_sem": "put", "_wlock": "put", "_writer": "put", "_unfinished_tasks": "task_done",
    "_notempty": "put", "_lock": "acquire", "_inqueue": "get", "_outqueue": "put", "_cond": "wait", "_flag": "wait",
}  # fmt: skip
"""Role of a part -> the method of its owner that waits for it."""

_CALLS = {
    waits.EXIT: "exit", waits.START: "start()", waits.CALL: "a call through a manager's proxy", waits.READY: "wait()",
    waits.REAP: "join()", waits.THREAD_END: "join() of a thread", waits.RESULT: "get() of a result",
    waits.FUTURE: "result() of a future", waits.RECV: "recv()", waits.SEND: "send()", waits.FEEDER_END: "the end of a queue's feeder thread",
}  # fmt: skip
