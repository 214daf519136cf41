"""What the builders share while a Run is made: the recording, and which process, thread, resource and place is which."""

from __future__ import annotations

from dataclasses import dataclass, field

from mptrace.collect import Recording
from mptrace.collect.recording import Head
from mptrace.collect.records import Record
from mptrace.model.building.lives import Life
from mptrace.model.building.sites import Places
from mptrace.model.building.teller import Teller
from mptrace.model.event import Event
from mptrace.model.process import Process, Thread, ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import resource as family_of
from mptrace.wire.event import Kind

Target = Resource | Process | Thread


@dataclass(slots=True, eq=False)
class Workshop:
    """A Run in the making."""

    recording: Recording
    run: Run
    lives: dict[Process, Life] = field(default_factory=dict)
    by_pid: dict[int, list[Process]] = field(default_factory=dict)
    """By when they began."""
    by_file: dict[tuple[int, int], Process] = field(default_factory=dict)
    """(pid, opened ns) of a recorder file -> the process that wrote it."""
    places: dict[Process, Places] = field(default_factory=dict)
    tellers: dict[Process, Teller] = field(default_factory=dict)
    """What each process told, as events."""
    threads: dict[tuple[Process, int], Thread] = field(default_factory=dict)
    idents: dict[tuple[Process, int], Thread] = field(default_factory=dict)
    resources: dict[tuple[int, int, Process | None], Resource] = field(default_factory=dict)
    made: set[Resource] = field(default_factory=set)
    """Those whose making was recorded."""

    def told(self, process: Process, *kinds: Kind) -> list[Event]:
        """Return what a process told, in its order: its events of these kinds, all of them if none is named."""
        teller = self.tellers.get(process)
        return list(teller.each(*(kind.number for kind in kinds))) if teller else []

    def observed(self, *kinds: Kind) -> list[Record]:
        """Return what the observer saw of these kinds, in its order."""
        return self.recording.observer.of(*kinds) if self.recording.observer else []

    def head(self, process: Process) -> Head | None:
        """Return the last state of a process's recorder file."""
        life = self.lives.get(process)
        return life.file.head if life and life.file else None

    def process_at(self, pid: int, at_ns: int) -> Process | None:
        """Return the process that had this pid then; if none was known yet, the next one that had not ended."""
        found = self.by_pid.get(pid, [])
        for process in reversed(found):
            if process.started_ns <= at_ns:
                return process
        return found[0] if found else None

    def started_by(self, pid: int, at_ns: int, took_ns: int = 0) -> Process | None:
        """Return the process that was just started with this pid (it may begin to record only later)."""
        for process in self.by_pid.get(pid, []):
            if process.ended_ns is None or process.ended_ns >= at_ns - took_ns:
                return process
        return None

    def thread(self, process: Process, tid: int, *, outside: bool = False) -> Thread:
        """Return the thread with this kernel number, which may be new to us; ``outside``: only /proc says that there is one."""
        known = self.threads.get((process, tid))
        if known is None:
            role = ThreadRole.MAIN if tid == process.pid else ThreadRole.USER
            known = Thread(process, tid, "MainThread" if role is ThreadRole.MAIN else "", role)
            self.threads[process, tid] = known
            process.threads.append(known)
            known.runs_python = False
        known.runs_python = known.runs_python or not outside
        return known

    def thread_of_stack(self, process: Process, number: int, name: str) -> Thread | None:
        """Return the thread of a stack seen from outside, by its native id, or by minus its ident; None if that is not known."""
        if number > 0:
            return self.thread(process, number)
        known = self.idents.get((process, -number))
        return self.thread(process, process.pid) if known is None and name == "MainThread" else known

    def resource(self, family: int, key: int, process: Process | None, kind: str = "") -> Resource:
        """Return the resource with this identity (a threading lock's is private to a process), which may be new to us."""
        identity = family, key, process if family == family_of.MUTEX else None
        known = self.resources.get(identity)
        if known is None:
            known = Resource(f"r{len(self.resources) + 1}", family, key, kind)
            self.resources[identity] = known
            self.run.resources.append(known)
        return known

    def target(self, process: Process, family: int, key: int, at_ns: int) -> Target | None:
        """Return what a wait of ``process`` is for, by family and key."""
        if family == family_of.PROCESS:
            return self.process_at(key, at_ns)
        if family == family_of.THREAD:
            return self.thread(process, key) if key else None
        if family == family_of.NONE or not key:
            return None
        return self.resource(family, key, process, KIND_BY_FAMILY.get(family, ""))


KIND_BY_FAMILY = {
    family_of.SEM: "Lock",
    family_of.PIPE: "Pipe",
    family_of.SEGMENT: "SharedMemory",
    family_of.MUTEX: "thread lock",
}
"""What a resource is called whose making was not recorded."""
