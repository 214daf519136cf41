"""One traced execution of a job: everything that rules may ask about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from tokenize import COMMENT, TokenError, generate_tokens

from mptrace.model.completeness import Completeness
from mptrace.model.event import Event
from mptrace.model.events import Events
from mptrace.model.moment import Moment
from mptrace.model.process import Process, Role
from mptrace.model.resource import Resource
from mptrace.wire.event import Kind


@dataclass(slots=True)
class Meta:
    """What was started, where and when. Times: ns; ``start_ns``/``end_ns`` CLOCK_MONOTONIC, ``start_wall_ns`` since the epoch."""

    command: tuple[str, ...] = ()
    script: str = ""
    python: str = ""
    host: str = ""
    cwd: str = ""
    start_ns: int = 0
    start_wall_ns: int = 0
    end_ns: int | None = None
    status: int | None = None
    ended_by: str = ""
    """"" by itself, ``Ctrl-C``, ``SIGTERM``, ``--on-hang kill``, ``launcher killed``."""
    start_method: str = ""
    attached: bool = False
    """It was not started by mptrace, only looked at from outside."""
    path: str = ""
    """The run directory."""
    hang_after_s: float = 10.0
    cores: int = 0
    """How many the job could use; 0: not known."""


@dataclass(slots=True, eq=False)
class Run:
    """The whole of it; built by `mptrace.model.build` from a recording, or by hand in tests."""

    meta: Meta = field(default_factory=Meta)
    processes: list[Process] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    events: Events = field(default_factory=Events)
    """Of all processes and of the observer, by time."""
    moments: list[Moment] = field(default_factory=list)
    """Looks at the job while nothing moved, by time; the final one last."""
    completeness: Completeness = field(default_factory=Completeness)
    sources: Mapping[str, list[str]] = field(default_factory=dict)
    """File name -> its lines, for the files that could be read."""
    _by_pid: tuple[int, dict[int, list[Process]]] = field(default=(-1, {}), repr=False)

    def of(self, *kinds: Kind, by: Process | None = None) -> Iterator[Event]:
        """Yield the events of these kinds, by time; ``by``: only those that this process wrote."""
        return iter(self.events.of(*(kind.number for kind in kinds), by=by) if kinds else ())

    def about(self, child: int, *kinds: Kind) -> list[Event]:
        """Return the events of these kinds whose ``child`` is this pid, by time."""
        return self.events.about(child, *(kind.number for kind in kinds))

    def first(self, most: int, *kinds: Kind) -> Iterator[Event]:
        """Yield the events of these kinds, by time, at most so many of each process: its first. For kinds of which there are millions."""
        return iter(self.events.first(most, *(kind.number for kind in kinds)))

    @property
    def seen_ns(self) -> int:
        """When the job was last looked at: its end, or the last moment of one that goes on."""
        return self.meta.end_ns or max((moment.at_ns for moment in self.moments), default=0)

    @property
    def main(self) -> Process | None:
        """The job's first process."""
        return next((process for process in self.processes if process.role is Role.MAIN), None)

    def process(self, pid: int, at_ns: int | None = None) -> Process | None:
        """Return the process that had this pid (at that instant; else the last one)."""
        count, known = self._by_pid
        if count != len(self.processes):
            known = {}
            for process in self.processes:
                known.setdefault(process.pid, []).append(process)
            self._by_pid = len(self.processes), known
        found = known.get(pid, [])
        living = [process for process in found if at_ns is None or process.started_ns <= at_ns]
        candidates = living or found
        return candidates[-1] if candidates else None

    def resource(self, family: int, key: int) -> Resource | None:
        """Return a resource by its identity."""
        return next((resource for resource in self.resources if (resource.family, resource.key) == (family, key)), None)

    def source_line(self, file: str, line: int) -> str:
        """Return one line of the program, without its indentation and comment ("" if the source is not at hand)."""
        lines = self.sources.get(file, [])
        return _without_comment(lines[line - 1].strip()) if 0 < line <= len(lines) else ""


def _without_comment(line: str) -> str:
    """Cut a line where its comment begins; it may be a part of a statement, which the tokenizer says only at its end."""
    if "#" not in line:
        return line
    try:
        for token in generate_tokens(iter([line]).__next__):
            if token.type == COMMENT:
                return line[: token.start[1]].rstrip()
    except (TokenError, SyntaxError):
        pass
    return line
