"""Who could end a wait: certain threads, or somebody that is not known, and then the wait is open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mptrace.model.discipline import LOCKS, is_left_with_its_block, is_released_by_holder, released, releases_elsewhere
from mptrace.model.event import Event
from mptrace.model.liveness import SERVICES, is_service, is_there, threads_at
from mptrace.model.moment import Hold, Moment, Wait
from mptrace.model.process import Process, Role, Thread, ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import resource as family_of
from mptrace.wire import wait as kinds
from mptrace.wire.event import unsigned
from mptrace.wire.events import processes as process_events
from mptrace.wire.events import tasks as task_events

TERMINATING = frozenset(("__exit__", "terminate", "exit", "collected"))
"""Calls after which a Pool drops its tasks."""

WITH_THREADS = frozenset(("ThreadPool", "ThreadPoolExecutor"))


@dataclass(slots=True, eq=False)
class Wakers:
    """The answer for one wait. ``through``: the one thread that must act, if it is known, and the lock that it ``holds``.

    ``sure``: nobody else can end it, even if the program uses locks in unusual ways. ``open``: what else may, "" if nothing.
    """

    threads: set[Thread] = field(default_factory=set)
    through: Thread | None = None
    holds: Hold | None = None
    sure: bool = False
    open: str = ""


class Finder:
    """Finds the wakers of the waits of one moment."""

    def __init__(self, moment: Moment, run: Run) -> None:
        self.moment, self.run = moment, run
        self._at_hand: dict[Process, list[Thread]] = {}
        self._elsewhere, self._released = releases_elsewhere(run.sources), released(run.sources)
        self._there = [process for process in moment.processes if is_there(process, moment)]
        self._looked_at = {thread.process for thread in moment.looks}
        self._began = {event.process for event in run.of(process_events.RUNNING) if event.at_ns <= moment.at_ns}

    def find(self, wait: Wait) -> Wakers:
        """Return who could end a wait."""
        if wait.intent is not None and wait.intent.kind == kinds.CALL:
            return Wakers(open="a manager's server may answer")
        if wait.intent is not None and wait.intent.kind == kinds.START and self._is_served():
            return Wakers(open="the forkserver may answer")
        handler = getattr(self, f"_{_HANDLERS.get(wait.kind, 'anybody')}")
        found: Wakers = handler(wait)
        return found

    def _is_served(self) -> bool:
        """Is there a forkserver, which is handed the pipes of a child that it is asked for?"""
        return any(process.role is Role.FORKSERVER for process in self._there)

    def _threads_at(self, process: Process) -> list[Thread]:
        if process not in self._at_hand:
            self._at_hand[process] = threads_at(process, self.moment)
        return self._at_hand[process]

    def _acquire(self, wait: Wait) -> Wakers:
        lock = wait.resource
        if lock is None:
            return Wakers(open="it is not known which lock it waits for")
        if lock.family == family_of.MUTEX:
            return self._mutex(wait, lock)
        holders = [hold for hold in self.moment.holders_of(lock) if hold.resource.kind in LOCKS]
        living = [hold for hold in holders if hold.thread.process in self.moment.processes]
        sure = is_released_by_holder(lock, self._elsewhere, self.run.resources)
        if len(living) == 1:
            found = Wakers({living[0].thread}, living[0].thread, living[0], sure)
            return found if sure else self._with_knowers(found, wait)
        if not living and holders and sure:
            return Wakers(sure=True)
        return self._anybody(wait)

    def _mutex(self, wait: Wait, lock: Resource) -> Wakers:
        """A lock of `threading`: its owner alone may release an RLock; another one any thread of the process, if the text lets it."""
        others = set(self._threads_at(wait.thread.process)) - {wait.thread}
        owners = self.moment.holders_of(lock)
        if len(owners) != 1:
            return Wakers(others)
        held = owners[0]
        sure = held.how != "text" and (held.how != "block" or self._ends_with_block(held))
        return Wakers({held.thread} if sure else others, held.thread, held, sure)

    def _ends_with_block(self, held: Hold) -> bool:
        """Is the text at hand that took the lock, and does it release it nowhere but at the end of its block?"""
        told = held.site is not None and held.site.file in self.run.sources
        return told and is_left_with_its_block(held.resource, self._released)

    def _with_knowers(self, found: Wakers, wait: Wait) -> Wakers:
        others = self._anybody(wait)
        found.threads |= others.threads
        found.open = others.open if wait.resource and wait.resource.knowers else ""
        return found

    def _anybody(self, wait: Wait) -> Wakers:
        """Everybody who knows the resource."""
        resource = wait.resource
        unknown = resource is not None and resource.family == family_of.PIPE and resource.made_by is None
        if resource is None or not resource.knowers or unknown:
            return Wakers(open="it is not known who else has what it waits for")
        return self._threads(resource.knowers, wait, resource)

    def _threads(self, knowers: Iterable[Process], wait: Wait, resource: Resource) -> Wakers:
        found = Wakers()
        knowers = set(knowers)
        for process in self._there:
            if process in knowers:
                self._add(found, process, resource)
            elif self._may_get(process, knowers):
                found.open = f"{process.name}, pid {process.pid}, {'is starting' if process.traced else 'is not traced'}"
        found.threads.discard(wait.thread)
        return found

    def _add(self, found: Wakers, process: Process, resource: Resource) -> None:
        if process.role in SERVICES:
            found.open = found.open or ("a manager's server may answer" if process.role is Role.MANAGER else "")
        elif not process.traced:
            found.open = f"{process.name}, pid {process.pid}, is not traced"
        elif not process.threads:
            found.open = f"{process.name}, pid {process.pid}, has not told of its threads"
        else:
            threads = self._threads_at(process)
            found.threads.update(thread for thread in threads if not is_service(thread) or self._serves(thread, resource))

    def _serves(self, thread: Thread, resource: Resource) -> bool:
        """Is this the feeder of that queue, or a thread of the pool that this is a part of?"""
        return thread.serves is not None and thread.serves in (resource, resource.owner, resource.outermost)

    def _may_get(self, process: Process, knowers: set[Process]) -> bool:
        """Could it have been given the resource, or be about to, without our knowing? A child that starts, or is not traced."""
        if process.role not in (Role.CHILD, Role.WORKER, Role.EXECUTOR_WORKER, Role.MANAGER):
            return False
        if process.traced and process in self._began and not self._is_newer_than_looks(process):
            return False
        parent = process.parent
        while parent is not None:
            if parent in knowers:
                return True
            parent = parent.parent
        return False

    def _is_newer_than_looks(self, process: Process) -> bool:
        return bool(self._looked_at) and process not in self._looked_at

    def _recv(self, wait: Wait) -> Wakers:
        return self._pipe(wait, self.moment.writers)

    def _send(self, wait: Wait) -> Wakers:
        return self._pipe(wait, self.moment.readers)

    def _pipe(self, wait: Wait, ends: dict[Resource, set[Process]]) -> Wakers:
        pipe = wait.resource
        if pipe is None:
            return Wakers(open="it is not known which pipe it waits for")
        other = pipe.peer or pipe
        outsider = self.moment.outsiders.get(other) or self.moment.outsiders.get(pipe)
        if outsider:
            return Wakers(open=f"a process outside of the job has an end of it, too ({outsider[:40]})")
        if pipe in self.moment.sockets and pipe.peer is None:
            return Wakers(open="who has the other end of its connection is not known")
        if other in ends:
            found = self._threads(ends[other], wait, pipe)
            found.open = found.open or self._newcomer(pipe.knowers | other.knowers)
            return found
        if pipe in ends:
            return Wakers(open="the other end was not found in the job")
        found = self._anybody(wait)
        if pipe.peer is not None:
            peers = self._threads(pipe.peer.knowers, wait, pipe)
            found.threads |= peers.threads
            found.open = found.open or peers.open
        return found

    def _newcomer(self, knowers: set[Process]) -> str:
        """Name a child that began after everybody was looked at: which ends of pipes it was given is not known."""
        starting = (process for process in self._there if process not in self._looked_at and self._may_get(process, knowers))
        return next((f"{process.name}, pid {process.pid}, is starting" for process in starting), "")

    def _ready(self, wait: Wait) -> Wakers:
        if wait.detail > 1 and not is_service(wait.thread):
            return Wakers(open=f"it waits for any of {wait.detail} connections or processes")
        if wait.detail > 1:
            return self._result(wait) if wait.thread.serves else Wakers()
        return self._recv(wait)

    def _reap(self, wait: Wait) -> Wakers:
        process = wait.target
        if not isinstance(process, Process):
            return Wakers(open="it is not known which process it waits for")
        if process not in self.moment.processes:
            return Wakers(open=f"{process.name} has ended already")
        if not process.traced or process.main_thread is None:
            return Wakers(open=f"{process.name}, pid {process.pid}, is not traced")
        return Wakers({process.main_thread}, process.main_thread, sure=True)

    def _thread_end(self, wait: Wait) -> Wakers:
        thread = wait.target
        if not isinstance(thread, Thread) or thread.ended:
            return Wakers(open="it is not known which thread it waits for")
        if not thread.role.is_service or thread.role is ThreadRole.FEEDER:
            return Wakers({thread}, thread, sure=True)
        found = self._workers(thread.serves)
        found.threads.add(thread)
        return found

    def _feeder_end(self, wait: Wait) -> Wakers:
        feeders = [thread for thread in wait.thread.process.threads if thread.role is ThreadRole.FEEDER and not thread.ended]
        mine = [thread for thread in feeders if wait.target is None or thread.serves is wait.target]
        if len(mine) != 1:
            return Wakers(open="it is not known which feeder thread it waits for")
        return Wakers({mine[0]}, mine[0], sure=True)

    def _result(self, wait: Wait) -> Wakers:
        return self._workers(wait.thread.serves if is_service(wait.thread) else wait.resource)

    def _workers(self, pool: Resource | None) -> Wakers:
        """The workers of a pool, and its service threads; open while workers are to be replaced."""
        if pool is None or pool.kind in WITH_THREADS:
            return Wakers(open="its workers are not known")
        if self._is_terminated(pool):
            return Wakers(self._servants(pool))
        workers = [process for process in self._there if process.pool is pool]
        starting = [process for process in self._there if process.pool is None and self._may_get(process, pool.knowers)]
        if starting or not workers or len(workers) < pool.number:
            return Wakers(open="the pool is starting workers" if workers or starting else "its workers are not known")
        found = Wakers()
        for worker in workers:
            found.threads.update(thread for thread in self._threads_at(worker) if not is_service(thread))
        found.threads |= self._servants(pool)
        return found

    def _servants(self, pool: Resource) -> set[Thread]:
        """Its service threads."""
        owners = pool.knowers & set(self._there)
        return {thread for owner in owners for thread in self._threads_at(owner) if thread.serves is pool}

    def _is_terminated(self, pool: Resource) -> bool:
        """Was it terminated, and is no worker left? Then none will be started again."""
        states = self.run.of(task_events.POOL_STATE)
        calls = {event.text("call") for event in states if self._is_of(event, pool) and event.at_ns <= self.moment.at_ns}
        return bool(calls & TERMINATING) and not any(process.pool is pool for process in self._there)

    def _is_of(self, event: Event, pool: Resource) -> bool:
        return unsigned(event.number("pool")) == pool.key

    def _exit(self, wait: Wait) -> Wakers:
        """A main thread that is done ends when the other threads of the program do."""
        others = set(self._threads_at(wait.thread.process)) - {wait.thread}
        others = {thread for thread in others if not is_service(thread)}
        return Wakers(others) if others else Wakers(open="it is about to end")

    def _open(self, wait: Wait) -> Wakers:
        return Wakers(open=f"it is in the middle of {kinds.NAMES.get(wait.kind, 'something')}")


_HANDLERS = {
    kinds.ACQUIRE: "acquire", kinds.MUTEX_WAIT: "acquire", kinds.RECV: "recv", kinds.SEND: "send", kinds.READY: "ready",
    kinds.REAP: "reap", kinds.THREAD_END: "thread_end", kinds.RESULT: "result", kinds.FUTURE: "result", kinds.POOL_END: "result",
    kinds.FEEDER_END: "feeder_end", kinds.CALL: "open", kinds.EXIT: "exit", kinds.START: "open",
}  # fmt: skip
"""Kind of wait -> method; the others can be ended by everybody who knows the resource."""
