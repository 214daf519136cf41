"""The process tree: a line a process, like ones merged into one line with their number, so that the odd one stands out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from mptrace.diagnose.wording import counted
from mptrace.report import times
from mptrace.report.alike import CROWD
from mptrace.report.clock import end_of
from mptrace.report.doing import Deed, deed_of
from mptrace.report.names import process_name, stem
from mptrace.report.page import Page, paint
from mptrace.report.plain import shorten

if TYPE_CHECKING:
    from mptrace.model.moment import Moment
    from mptrace.model.process import Process
    from mptrace.model.run import Run
    from mptrace.report.clock import Clock

MOST_LINES = 24
_WIDEST_NAME = 30
_TOGETHER_NS = 5_000_000_000
_LEAST_ROOM = 20
"""Cells for what a process does, below which its place goes to a line of its own."""


@dataclass(slots=True)
class Branch:
    """A process, or several alike, with what is below it."""

    processes: list[Process]
    deeds: list[Deed]
    children: list[Branch] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name, or ``4 × SpawnPoolWorker``."""
        names = [process_name(process) for process in self.processes]
        return names[0] if len(names) == 1 else f"{len(names)} × {stem(names[0])}"


@dataclass(frozen=True, slots=True)
class TreeLine:
    """A branch in words: the lines that lead to it with its name, its pid ("" of several), what it does, how long, its place."""

    name: str
    pid: str
    says: str
    lasted: str
    place: str


def branches_of(run: Run, moment: Moment | None, *, apart: Iterable[str] = (), whole: bool = False) -> list[Branch]:
    """Return the roots of the tree. ``apart``: names that are never merged; ``whole``: with the library's service processes."""
    named = set(apart)
    shown = {process for process in run.processes if whole or _is_shown(process, run)}
    below: dict[Process | None, list[Process]] = {}
    for process in run.processes:
        if process in shown:
            below.setdefault(_shown_parent(process, shown), []).append(process)

    def grow(processes: list[Process]) -> list[Branch]:
        branches = [Branch([process], [deed_of(process, run, moment)], grow(below.get(process, []))) for process in processes]
        return branches if whole else _merged(branches, named)

    return grow(below.get(None, []))


def tree_lines(branches: Sequence[Branch], page: Page, clock: Clock, *, blame: Sequence[str] = ()) -> list[Text]:
    """Return the tree as lines of the page."""
    told = list(_told(branches, page, clock, "", top=True))
    most = len(told) if page.verbose else MOST_LINES
    rest = [Text(f"  ... and {counted(len(told) - most, 'more line')} (-v)")] if len(told) > most else []
    pid = max((len(line.pid) for line in told), default=0)
    single = max((cell_len(line.name) for line in told if line.pid), default=0)
    several = max((cell_len(line.name) - pid - 2 for line in told if not line.pid), default=0)
    width = min(max(single, several), _WIDEST_NAME)
    return [paint(drawn, blame) for line in told[:most] for drawn in _drawn(line, width, pid, page)] + rest


def _is_shown(process: Process, run: Run) -> bool:
    """Is it of interest: the program's own, or a service process that died (not with a job that was ended from outside)?"""
    died = process.exit is not None and process.exit.signal is not None
    ended_with_it = bool(run.meta.ended_by) and (process.ended_ns or 0) > end_of(run) - _TOGETHER_NS
    return not process.role.is_service or (died and not ended_with_it)


def _shown_parent(process: Process, shown: set[Process]) -> Process | None:
    parent, met = process.parent, {process}
    while parent is not None and parent not in shown and parent not in met:
        met.add(parent)
        parent = parent.parent
    return parent if parent in shown else None


def _merged(branches: list[Branch], named: set[str]) -> list[Branch]:
    """Return the branches with like ones merged, where there are enough of them to be a crowd."""
    keys = [_likeness(branch, named) for branch in branches]
    crowds = {key for key, number in Counter(keys).items() if key is not None and number >= CROWD}
    merged: dict[object, Branch] = {}
    for number, (key, branch) in enumerate(zip(keys, branches, strict=True)):
        first = merged.setdefault(key if key in crowds else number, branch)
        if first is not branch:
            first.processes += branch.processes
            first.deeds += branch.deeds
    return list(merged.values())


def _likeness(branch: Branch, named: set[str]) -> object:
    """Return what makes branches alike; None for one that stands alone."""
    if branch.children or branch.name in named:
        return None
    return stem(branch.name), branch.processes[0].role, branch.deeds[0].key


def _told(branches: Sequence[Branch], page: Page, clock: Clock, lead: str, *, top: bool = False) -> Iterable[TreeLine]:
    for number, branch in enumerate(branches):
        last = number == len(branches) - 1
        fork, below = ("", "") if top else (lead + ("└─ " if last else "├─ "), lead + ("   " if last else "│  "))
        site = branch.deeds[0].site
        yield TreeLine(
            page.text(fork + branch.name).plain,
            str(branch.processes[0].pid or "") if len(branch.processes) == 1 else "",
            page.text(_says(branch.deeds)).plain,
            _lasted(branch.deeds, clock),
            page.place(site) if site else "",
        )
        yield from _told(branch.children, page, clock, below)


def _says(deeds: list[Deed]) -> str:
    same = all(deed.says == deeds[0].says for deed in deeds)
    return deeds[0].says if same else deeds[0].like or deeds[0].says


def _lasted(deeds: list[Deed], clock: Clock) -> str:
    since = [clock.lasted_ns(deed.since_ns) for deed in deeds if deed.since_ns is not None]
    joint = "," if "," in _says(deeds) else ""
    return f"{joint} for {times.durations(since)}" if since else ""


def _drawn(line: TreeLine, width: int, pid: int, page: Page) -> list[Text]:
    """Return a line of the tree; where it is too long, first the duration goes, then the middle of what it says."""
    field = width + 2 + pid
    gap = " " * max(field - cell_len(line.name) - len(line.pid), 2 if line.pid else 0)
    head = f"  {line.name}{gap}{line.pid}  "
    room = page.width - cell_len(head) - (cell_len(line.place) + 2 if line.place else 0)
    if page.verbose:
        told = page.wrapped(line.says + line.lasted, first=head, rest=" " * 8)
        return [*told[:-1], *page.ending(told[-1], line.place)]
    if room < _LEAST_ROOM:  # the place goes to a line of its own
        room = max(page.width - cell_len(head), _LEAST_ROOM)
    says = next((says for says in (line.says + line.lasted, line.says) if cell_len(says) <= room), None)
    return page.ending(Text(head + (says or shorten(line.says, room))), line.place)
