"""A finding's steps as a picture: a column an actor and time downwards, or a list where columns would not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from mptrace.report.alike import predicate, subject
from mptrace.report.names import actor_name, process_of, stem
from mptrace.report.page import PLACE, STRONG, Page, paint

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Step
    from mptrace.model.process import Process, Thread
    from mptrace.report.clock import Clock

MOST_COLUMNS = 3
_GAP = 4
"""Blanks between two columns."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step in words: its time, its actor, what it says, its place."""

    time: str
    who: Process | Thread | None
    says: str
    place: str


def rows_of(steps: Sequence[Step], page: Page, clock: Clock) -> list[Row]:
    """Return the steps in words."""
    return [
        Row(
            "" if step.at_ns is None else clock.tell(step.at_ns, page),
            step.who,
            page.text(step.says).plain,
            page.place(step.site) if step.site else "",
        )
        for step in steps
    ]


def picture(steps: Sequence[Step], page: Page, clock: Clock, *, most: int = 99, blame: Sequence[str] = ()) -> list[Text]:
    """Return the steps as lines; of more than ``most`` steps those in the middle are only counted."""
    rows = rows_of(steps, page, clock)
    columns = columns_of(rows, page)
    if columns is None:
        drawn = _list(rows, page)
        head = []
    else:
        drawn = [[columns.line(row)] for row in rows]
        head = [columns.head()]
    return [paint(line, blame) for line in [*head, *_folded(drawn, most)]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each actor's column begins, and how wide what is said in it may be; places go to ``edge`` if that is set."""

    page: Page
    actors: list[Process | Thread]
    starts: list[int]
    says: list[int]
    edge: bool

    def head(self) -> Text:
        """Return the line with the actors' names."""
        line = Text()
        for actor, start in zip(self.actors, self.starts, strict=True):
            line.append(" " * (start - line.cell_len))
            line.append(_heading(actor, self.page), STRONG)
        return line

    def line(self, row: Row) -> Text:
        """Return one step in its actor's column."""
        column = self.actors.index(row.who)  # type: ignore[arg-type]
        line = Text(row.time.rjust(self._time_width))
        line.append(" " * (self.starts[column] - line.cell_len))
        line.append(row.says)
        if not row.place:
            return line
        at = self.page.width - cell_len(row.place) if self.edge else self.starts[column] + self.says[column] + 3
        line.append(" " * (at - line.cell_len))
        line.append(row.place, PLACE)
        return line

    @property
    def _time_width(self) -> int:
        return max(self.starts[0] - 2, 0)


def columns_of(rows: Sequence[Row], page: Page) -> Columns | None:
    """Return how to draw these steps in columns; None if they have too many actors, none, or too much to say."""
    actors = list(dict.fromkeys(row.who for row in rows if row.who is not None))
    if not 2 <= len(actors) <= MOST_COLUMNS or any(row.who is None for row in rows):
        return None
    return _fitting(rows, actors, page, edge=False) or _fitting(rows, actors, page, edge=True)


def _fitting(rows: Sequence[Row], actors: list[Process | Thread], page: Page, *, edge: bool) -> Columns | None:
    said = [max(cell_len(row.says) for row in rows if row.who is actor) for actor in actors]
    widths = [max(said[at], cell_len(_heading(actor, page))) for at, actor in enumerate(actors)]
    places = [max(cell_len(row.place) for row in rows if row.who is actor) for actor in actors]
    if not edge:
        widths = [max(width, said[at] + 3 + places[at]) for at, width in enumerate(widths)]
    starts = [max((len(row.time) for row in rows), default=0) + 2]
    for width in widths[:-1]:
        starts.append(starts[-1] + width + _GAP)
    beyond = max(starts[at] + said[at] + 3 + places[at] for at in range(len(actors))) if edge else 0
    if max(starts[-1] + widths[-1], beyond) > page.width:
        return None
    return Columns(page, actors, starts, said, edge)


def _heading(who: Process | Thread, page: Page) -> str:
    return page.text(actor_name(who) + (f", pid {pid}" if (pid := process_of(who).pid) else "")).plain


def _list(rows: Sequence[Row], page: Page) -> list[list[Text]]:
    """Return each step as its lines; an actor's pid is told where it first appears."""
    width = max((len(row.time) for row in rows), default=0)
    rest = " " * (width + 4 if width else 4)
    met: set[Process | Thread] = set()
    drawn = []
    for row, actors in _alike(rows):
        first = f"  {row.time:>{width}}  " if width else "  "
        lines = page.wrapped(_subject(actors, met) + predicate(row.says, len(actors) or 1), first=first, rest=rest)
        drawn.append([*lines[:-1], *page.ending(lines[-1], row.place)])
    return drawn


def _alike(rows: Sequence[Row]) -> list[tuple[Row, list[Process | Thread]]]:
    """Return runs of rows that differ in their time and the actor's number only: the first row, and all actors once."""
    told: list[tuple[Row, list[Process | Thread]]] = []
    for row in rows:
        actors = told[-1][1] if told and row.who is not None and _is_like(row, told[-1][0]) else None
        if actors is None:
            told.append((row, [row.who] if row.who is not None else []))
        elif row.who is not None and row.who not in actors:
            actors.append(row.who)
    return told


def _is_like(row: Row, other: Row) -> bool:
    if row.who is None or other.who is None or (row.says, row.place) != (other.says, other.place):
        return False
    return stem(actor_name(row.who)) == stem(actor_name(other.who))


def _subject(actors: list[Process | Thread], met: set[Process | Thread]) -> str:
    if not actors:
        return ""
    new = len(actors) == 1 and actors[0] not in met
    met.update(actors)
    number = process_of(actors[0]).pid
    pid = f" (pid {number})" if new and number else ""
    return f"{subject([actor_name(actor) for actor in actors])}{pid} "


def _folded(drawn: list[list[Text]], most: int) -> list[Text]:
    if len(drawn) <= most:
        return [line for lines in drawn for line in lines]
    head, tail = drawn[: (most + 1) // 2], drawn[len(drawn) - most // 2 :]
    gap = Text(f"      ... {len(drawn) - len(head) - len(tail)} more steps (-v)")
    return [*(line for lines in head for line in lines), gap, *(line for lines in tail for line in lines)]
