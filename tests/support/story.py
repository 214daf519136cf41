"""Runs written by hand in a few lines: ``story().process("worker-1").takes("stats").waits_for("cache")``.

Each call tells what the process (or thread) named last did, a tenth of a second after the one before, at the next line of
``job.py``; ``at="loader.py:55"`` says another place. `Story.run` makes one moment of it, at which nobody moved.
"""

from __future__ import annotations

from dataclasses import replace

from mptrace.model.completeness import Completeness
from mptrace.model.event import Event
from mptrace.model.moment import Doing, Hold, Look, Moment, Wait
from mptrace.model.process import Exit, Process, Role, Thread, ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Meta, Run
from mptrace.model.site import Site
from mptrace.wire import resource as families
from mptrace.wire import wait as waits
from mptrace.wire.event import Kind

STEP_NS = 100_000_000
TOGETHER_NS = 2_000_000_000
QUEUE_PARTS = {"_rlock": "Lock", "_wlock": "Lock", "_reader": "Connection"}


def story() -> Story:
    """Begin a run; its main process is there already and runs."""
    return Story()


class Story:
    """A run in the making; every method returns it, so that calls can be chained."""

    def __init__(self) -> None:
        self.told = Run(meta=Meta(command=("job.py",), script="job.py", start_ns=STEP_NS, cwd="/job", start_method="fork"))
        self.told.completeness = Completeness()
        self.now = STEP_NS
        self.line = 0
        self.waits_list: list[Wait] = []
        self.holds: list[Hold] = []
        self.doings: list[Doing] = []
        self.moved: set[Thread] = set()
        self.unseen_threads: set[Thread] = set()
        self.outside: dict[Thread, tuple[str, Site]] = {}
        self.main_process = self._new_process("MainProcess", Role.MAIN, None)
        self.actor = self.main_process.threads[0]

    # who

    def main(self) -> Story:
        """Go on with the main process."""
        self.actor = self.main_process.threads[0]
        return self

    def process(
        self, name: str, role: Role = Role.CHILD, *, parent: str = "", daemon: bool = False, traced: bool = True
    ) -> Story:
        """Start a process, or go on with it if it is known."""
        known = self.find_process(name)
        if known is None:
            known = self._new_process(name, role, self.find_process(parent) if parent else self.main_process)
            known.daemon, known.traced, known.start_site = daemon, traced, self.here()
            for resource in self.told.resources:
                resource.knowers.add(known)
        self.actor = known.threads[0]
        return self

    def thread(self, name: str, role: ThreadRole = ThreadRole.USER, serves: str = "") -> Story:
        """Start a thread of the present process, or go on with it."""
        process = self.actor.process
        known = next((thread for thread in process.threads if thread.name == name), None)
        if known is None:
            known = Thread(process, process.pid + len(process.threads), name, role, self.resource(serves) if serves else None)
            process.threads.append(known)
        self.actor = known
        return self

    def find_process(self, name: str) -> Process | None:
        """Return a process of the run by its name."""
        return next((process for process in self.told.processes if process.name == name), None)

    def _new_process(self, name: str, role: Role, parent: Process | None) -> Process:
        number = len(self.told.processes) + 1
        process = Process(f"p{number}", 4000 + 10 * number, parent.pid if parent else 1, name, role, parent)
        process.started_ns, process.start_method = self.tick(), "fork"
        process.threads.append(Thread(process, process.pid, "MainThread", ThreadRole.MAIN))
        self.told.processes.append(process)
        if parent:
            parent.children.append(process)
        return process

    # what

    def lock(self, name: str, kind: str = "Lock", at: str = "", number: int = 1) -> Story:
        """Make a lock, semaphore, event, barrier, ... that everybody knows."""
        self._make(name, kind, families.SEM if kind in ("Lock", "RLock", "Semaphore") else families.OBJECT, at, number)
        return self

    def queue(self, name: str, kind: str = "Queue", at: str = "", maxsize: int = 0) -> Story:
        """Make a queue with its locks and its pipe."""
        made = self._make(name, kind, families.OBJECT, at, maxsize)
        for role, part_kind in QUEUE_PARTS.items():
            family = families.PIPE if role == "_reader" else families.SEM
            part = self._make("", part_kind, family, at)
            part.owner, part.role = made, role
            made.parts[role] = part
        return self

    def pool(self, name: str, kind: str = "Pool", at: str = "", workers: int = 2) -> Story:
        """Make a pool or an executor with its two queues."""
        made = self._make(name, kind, families.OBJECT, at, workers)
        for role in ("_inqueue", "_outqueue"):
            self.queue(f"{name}{role}", "SimpleQueue", at)
            part = self.resource(f"{name}{role}")
            part.owner, part.role, part.name = made, role, ""
            made.parts[role] = part
        return self

    def pipe(self, name: str, at: str = "") -> Story:
        """Make one end of a pipe."""
        self._make(name, "Pipe", families.PIPE, at)
        return self

    def resource(self, name: str) -> Resource:
        """Return a resource by its name (``results``), or a part of one (``results._rlock``); makes a Lock if it is new."""
        stem, _, role = name.partition(".")
        found = next((resource for resource in self.told.resources if resource.name == stem), None)
        found = found or self._make(stem, "Lock", families.SEM)
        return found.parts[role] if role else found

    def _make(self, name: str, kind: str, family: int, at: str = "", number: int = 0) -> Resource:
        resource = Resource(f"r{len(self.told.resources) + 1}", family, 500 + len(self.told.resources), kind, name)
        resource.created_at, resource.made_by = self.here(at), self.main_process
        resource.number = number
        resource.knowers = set(self.told.processes)
        if family == families.PIPE:
            resource.readers, resource.writers = resource.knowers, resource.knowers
        self.told.resources.append(resource)
        return resource

    # does

    def takes(self, name: str, at: str = "") -> Story:
        """Hold a lock from now on."""
        hold = Hold(self.actor, self.resource(name), self.tick(), self.here(at), self.ref())
        self.holds.append(hold)
        return self

    def waits_for(self, name: str, timeout: float | None = None, at: str = "") -> Story:
        """Wait for a lock."""
        return self.waits(waits.ACQUIRE, self.resource(name), timeout, at)

    def waits_for_part(self, name: str, at: str = "") -> Story:
        """Wait for the lock of a queue, in its get() or put()."""
        return self.waits(waits.ACQUIRE, self.resource(name), None, at)

    def goes_on(self) -> Story:
        """Wait for nothing any more."""
        self.waits_list = [wait for wait in self.waits_list if wait.thread is not self.actor]
        return self

    def joins(self, name: str, timeout: float | None = None, at: str = "") -> Story:
        """Wait for the end of a process."""
        return self.waits(waits.REAP, self.find_process(name), timeout, at)

    def joins_thread(self, name: str, at: str = "") -> Story:
        """Wait for the end of a thread of the same process."""
        return self.waits(waits.THREAD_END, next(t for t in self.actor.process.threads if t.name == name), None, at)

    def gets(self, name: str, timeout: float | None = None, at: str = "") -> Story:
        """Wait in get() of a queue: for its pipe."""
        queue = self.resource(name)
        return self.waits(waits.RECV, queue.parts["_reader"], timeout, at, call=(waits.ITEM, queue))

    def waits(
        self,
        kind: int,
        target: Resource | Process | Thread | None = None,
        timeout: float | None = None,
        at: str = "",
        call: tuple[int, Resource | None] | None = None,
        detail: int = 0,
    ) -> Story:
        """Wait in any way; ``call``: the program's call above it."""
        timeout_ns = None if timeout is None else int(timeout * 1e9)
        site = self.here(at)
        wait = Wait(self.actor, kind, target, self.tick(), timeout_ns, site, (site,), detail, None, self.ref())
        if call:
            wait.intent = replace(wait, kind=call[0], target=call[1])
        self.waits_told(wait)
        return self

    def waits_told(self, wait: Wait) -> None:
        """Replace what the thread waited for."""
        self.waits_list = [other for other in self.waits_list if other.thread is not wait.thread] + [wait]

    def waits_outside(self, call: str, at: str = "") -> Story:
        """Wait for something outside of the job, as only a look from outside shows."""
        self.outside[self.actor] = (call, self.here(at))
        return self

    def in_pool(self, name: str) -> Story:
        """Be a worker of a pool."""
        self.actor.process.pool = self.resource(name)
        return self

    def part(self, owner: str, role: str, kind: str) -> Resource:
        """Return a new part of a resource."""
        made = self._make("", kind, families.SEM)
        made.owner, made.role = self.resource(owner), role
        made.owner.parts[role] = made
        return made

    def works_on(self, text: str, pool: str, job: int = 1, index: int = 0) -> Story:
        """Run a task of a pool or executor."""
        self.doings.append(Doing(self.actor, self.resource(pool), job, index, text, self.tick()))
        return self

    def exits(self, code: int = 0, *, call: str = "", at: str = "", orderly: bool = True) -> Story:
        """End with a status."""
        site = self.here(at) if call else None
        return self._ends(Exit(code, by_site=site, call=call), orderly=orderly)

    def dies(self, signal: int = 9, by: str = "outside", at: str = "", call: str = "") -> Story:
        """Be ended by a signal; ``by``: name of the sender."""
        site = self.here(at) if by and by != "outside" else None
        return self._ends(Exit(None, signal, by, site, call), orderly=False)

    def _ends(self, how: Exit, *, orderly: bool) -> Story:
        process = self.actor.process
        process.ended_ns = self.tick()
        process.exit = replace(how, at_ns=process.ended_ns, seen_by="observer")
        process.orderly = orderly
        return self

    def event(self, kind: Kind, at: str = "", **fields: int | str) -> Story:
        """Record an event in the present process."""
        site = self.here(at)
        self.told.events.append(Event(self.ref(), kind, self.tick(), self.actor.process, self.actor.tid, fields, site, (site,)))
        return self

    # how it was seen

    def moves(self) -> Story:
        """The present thread ran between the two looks."""
        self.moved.add(self.actor)
        return self

    def unseen(self) -> Story:
        """The present thread was not looked at."""
        self.unseen_threads.add(self.actor)
        return self

    def lost(self, **counts: int) -> Story:
        """Lose something from the recording."""
        self.told.completeness.lost = replace(self.told.completeness.lost, **counts)
        return self

    def ends(self, status: int = 0, ended_by: str = "") -> Story:
        """The job is over: `run` makes a final moment as well."""
        self.told.meta.end_ns, self.told.meta.status, self.told.meta.ended_by = self.tick(), status, ended_by
        return self

    def run(self, *, live: bool = True) -> Run:
        """Return the run with one moment while it hung (``live``), and a final one if the job has ended."""
        if live:
            self.look()
        if self.told.meta.end_ns is not None:
            self.told.moments.append(self._final(self.told.meta.end_ns))
        return self.told

    def look(self) -> Story:
        """Take a moment now; the story goes on after it."""
        number = len(self.told.moments) + 1
        self.told.moments.append(self._moment(number, self.told.processes, self.tick()))
        return self

    def _moment(self, number: int, processes: list[Process], at_ns: int) -> Moment:
        final = number == 0
        there = [p for p in processes if p.ended_ns is None or (final and p.ended_ns >= self.now - TOGETHER_NS)]
        moment = Moment(number, at_ns, final, processes=there)
        moment.waits = [wait for wait in self.waits_list if wait.thread.process in there]
        moment.holds = list(self.holds)
        moment.cut_off = [wait for wait in self.waits_list if wait.kind == waits.SEND and wait.thread.process not in there]
        moment.doings = [doing for doing in self.doings if not doing.thread.process.orderly]
        moment.looks = {} if final else {look.thread: look for look in self._looks(there)}
        return moment

    def _final(self, end_ns: int) -> Moment:
        left = [process for process in self.told.processes if not process.orderly]
        ends = [process.ended_ns for process in left if process.ended_ns is not None and process.ended_ns >= end_ns - TOGETHER_NS]
        return self._moment(0, left, min(ends, default=end_ns + 1) - 1)

    def _looks(self, processes: list[Process]) -> list[Look]:
        threads = [thread for process in processes for thread in process.threads if thread not in self.unseen_threads]
        return [self._look_at(thread) for thread in threads]

    def _look_at(self, thread: Thread) -> Look:
        moved = thread in self.moved
        call, site = self.outside.get(thread, ("", None))
        return Look(thread, "R" if moved else "S", not moved, wchan=call, stack=(site,) if site else ())

    # small things

    def tick(self) -> int:
        """Let a tenth of a second go by."""
        self.now += STEP_NS
        return self.now

    def here(self, at: str = "") -> Site:
        """Return a place: ``file:line``, or the next line of job.py."""
        file, _, line = at.rpartition(":")
        self.line += 1
        return Site(f"/job/{file}", int(line)) if at else Site("/job/job.py", self.line)

    def ref(self) -> str:
        """Return a reference that has not been used."""
        self.line += 0
        return f"{self.actor.process.id}:{len(self.told.events) + len(self.holds) * 100 + self.now // STEP_NS}"
