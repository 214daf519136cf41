"""The events of a Run: those of a recording are made when somebody asks for their kind, since there may be ten million of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from mptrace.model.event import Event

if TYPE_CHECKING:
    from mptrace.model.process import Process

MANY = 100_000
"""So many events of the kinds asked for are not kept, but made again whenever somebody asks."""


class Source(Protocol):
    """The events of one process, or of the observer; ``numbers``: those of the kinds that are meant, all if empty."""

    process: Process | None

    def count(self, *numbers: int) -> int:
        """Return how many there are."""

    def each(self, *numbers: int) -> Iterator[Event]:
        """Yield them as they were written."""

    @property
    def last_ns(self) -> int | None:
        """When the last was written."""


class Events:
    """All events by time: of the sources, and those that were added by hand."""

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        self._sources = sources
        self._added: list[Event] = []
        self._known: dict[tuple[int, ...], list[Event]] = {}
        self._by_child: dict[tuple[int, ...], dict[int, list[Event]]] = {}
        self._by_process: dict[Process | None, list[Source]] | None = None

    def append(self, event: Event) -> None:
        """Add one event."""
        self._added.append(event)
        self._known.clear()
        self._by_child.clear()

    def __getitem__(self, place: int) -> Event:
        """Return an event that was added by hand, by its place among them."""
        return self._added[place]

    def __setitem__(self, place: int, event: Event) -> None:
        self._added[place] = event
        self._known.clear()
        self._by_child.clear()

    def clear(self) -> None:
        """Forget all events."""
        self._sources, self._added, self._by_process = (), [], None
        self._known.clear()
        self._by_child.clear()

    def of(self, *numbers: int, by: Process | None = None) -> Iterable[Event]:
        """Return the events of the kinds with these numbers (all if none is given), of one process if that is named."""
        if by is not None:
            return self._made(numbers, self._sources_of(by), by)
        found = self._known.get(numbers)
        if found is not None:
            return found
        if sum(source.count(*numbers) for source in self._sources) > MANY:
            own = sorted(self._chosen(numbers, None), key=_when)
            return merge(*(source.each(*numbers) for source in self._sources), own, key=_when)
        self._known[numbers] = self._made(numbers, self._sources, None)
        return self._known[numbers]

    def about(self, child: int, *numbers: int) -> list[Event]:
        """Return the events of the kinds with these numbers whose field ``child`` is this pid, by time."""
        if numbers not in self._by_child:
            found = self._by_child[numbers] = {}
            for event in self.of(*numbers):
                found.setdefault(event.number("child"), []).append(event)
        return self._by_child[numbers].get(child, [])

    def _sources_of(self, process: Process) -> list[Source]:
        if self._by_process is None:
            self._by_process = {}
            for source in self._sources:
                self._by_process.setdefault(source.process, []).append(source)
        return self._by_process.get(process, [])

    def first(self, most: int, *numbers: int) -> list[Event]:
        """Return the first events of the kinds with these numbers, at most so many of each process."""
        found = [event for source in self._sources if source.count(*numbers) for event in islice(source.each(*numbers), most)]
        own: dict[Process | None, list[Event]] = {}
        for event in sorted(self._chosen(numbers, None), key=_when):
            own.setdefault(event.process, []).append(event)
        return sorted(found + [event for events in own.values() for event in events[:most]], key=_when)

    def _made(self, numbers: tuple[int, ...], sources: Sequence[Source], by: Process | None) -> list[Event]:
        found = [event for source in sources if source.count(*numbers) for event in source.each(*numbers)]
        return sorted(found + self._chosen(numbers, by), key=_when)

    def _chosen(self, numbers: tuple[int, ...], by: Process | None) -> list[Event]:
        mine = (event for event in self._added if by is None or event.process is by)
        return [event for event in mine if not numbers or event.kind.number in numbers]

    @property
    def last_ns(self) -> int | None:
        """When the last one happened; None if there is none."""
        ends = [source.last_ns for source in self._sources]
        return max([*(end for end in ends if end is not None), *map(_when, self._added)], default=None)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.of())

    def __len__(self) -> int:
        return len(self._added) + sum(source.count() for source in self._sources)


def _when(event: Event) -> int:
    return event.at_ns
