"""Which processes there were: recorder files, marks, and what the observer saw, sorted into one life a process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from mptrace.collect import Recording
from mptrace.collect.recording import ProcessFile, TallyCell
from mptrace.collect.records import Record
from mptrace.wire import layout
from mptrace.wire.events import observations, processes


@dataclass(slots=True, eq=False)
class Life:
    """One incarnation of a pid; ``became``: what it turned into by exec."""

    pid: int
    begun_ns: int
    file: ProcessFile | None = None
    marked: bool = False
    tallies: list[TallyCell] = field(default_factory=list)
    seen: Record | None = None
    exited: Record | None = None
    became: Life | None = None

    @property
    def forked(self) -> bool:
        """Did it begin with its parent's memory, by its own file?"""
        return bool(self.file and self.file.head and self.file.head.flags & layout.FORKED)


SWEEP_NS = 50_000_000
"""Of processes that were first seen so close together, the lower pid began first."""

Fact = tuple[int, int, object]
"""When, in which order at the same time, and what: a ProcessFile, a mark (its pid, or the tallies of a dropped recording), a SEEN or EXITED record."""


def find_lives(recording: Recording) -> list[Life]:
    """Return the lives that the recording shows, by when they began."""
    facts: dict[int, list[Fact]] = defaultdict(list)
    for pid, opened_ns in recording.seen:
        facts[pid].append((opened_ns, 1, recording.dropped.get((pid, opened_ns), pid)))
    for file in recording.processes:
        facts[file.pid].append((file.opened_ns, 2, file))
    for record in recording.observer.of(observations.SEEN, observations.EXITED) if recording.observer else ():
        facts[int(record.fields["pid"])].append((record.at_ns, 0 if record.kind is observations.SEEN else 3, record))
    lives = [life for pid in facts for life in _lives_of(pid, facts[pid])]
    _take_starts(recording, lives)
    return sorted(lives, key=lambda life: (life.begun_ns // SWEEP_NS, life.pid))


def _take_starts(recording: Recording, lives: list[Life]) -> None:
    """A spawned child records only when its interpreter is up: it began at the latest when its parent said so."""
    by_pid: dict[int, list[Life]] = defaultdict(list)
    for life in sorted(lives, key=lambda life: life.begun_ns):
        by_pid[life.pid].append(life)
    for file in recording.processes:
        for record in file.log.of(processes.STARTED):
            started = (life for life in by_pid[int(record.fields["child"])] if not _ended_before(life, record))
            for life in started:
                life.begun_ns = min(life.begun_ns, record.at_ns)
                break


def _ended_before(life: Life, started: Record) -> bool:
    return life.exited is not None and life.exited.at_ns < started.at_ns - int(started.fields["took_ns"])


def _lives_of(pid: int, facts: list[Fact]) -> Iterator[Life]:
    life: Life | None = None
    for at_ns, _, what in sorted(facts, key=lambda fact: fact[:2]):
        if life is None:
            life = Life(pid, at_ns)
            yield life
        elif _is_another(life, what):
            before, life = life, Life(pid, at_ns)
            if _is_exec(what):
                before.became = life
                life.seen = before.seen
            yield life
        _add(life, what)
        if life.exited is not None:
            life = None


def _is_another(life: Life, what: object) -> bool:
    """Is this fact about another process than this one, or about another incarnation of it?"""
    if isinstance(what, ProcessFile):
        return life.file is not None
    if isinstance(what, Record) and what.kind is observations.SEEN and life.seen is not None:
        return what.fields["start"] != life.seen.fields["start"]
    return False


def _is_exec(what: object) -> bool:
    return isinstance(what, ProcessFile) and not (what.head and what.head.flags & layout.FORKED)


def _add(life: Life, what: object) -> None:
    if isinstance(what, ProcessFile):
        life.file = what
    elif not isinstance(what, Record):
        life.marked = True
        life.tallies = what if isinstance(what, list) else life.tallies
    elif what.kind is observations.SEEN:
        life.seen = life.seen or what
    else:
        life.exited = what
