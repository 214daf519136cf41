"""The events of one process, or of the observer: made of its records when somebody asks for their kind, each of them once."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.collect.records import Log, Record
from mptrace.model.building.sites import KINDS, Places
from mptrace.model.event import Event
from mptrace.model.process import Process

MANY = 4_000
"""So many events of one kind are made again when they are asked for again."""

_NAMING = frozenset(kind.number for kind in KINDS)


class Teller:
    """Makes events of a log; ``name`` is how findings cite it (``p3``, ``o``)."""

    def __init__(self, name: str, log: Log, places: Places, process: Process | None = None) -> None:
        self.process = process
        self._name, self._log, self._places = name, log, places
        self._made: dict[int, list[Event]] = {}

    def count(self, *numbers: int) -> int:
        """Return how many events there are of the kinds with these numbers; of all without."""
        if numbers:
            return self._log.count(*numbers)
        return self._log.count() - self._log.count(*_NAMING)

    def each(self, *numbers: int) -> Iterator[Event]:
        """Yield the events of the kinds with these numbers (of all without), as they were written."""
        known = self._log.offsets
        asked = [number for number in numbers or known if number in known and number not in _NAMING]
        if sum(len(known[number]) for number in asked) > MANY:
            return map(self._event, self._log.each(*asked))
        found = [self._kept(number) for number in asked]
        return iter(found[0] if len(found) == 1 else sorted((event for some in found for event in some), key=_offset))

    @property
    def last_ns(self) -> int | None:
        """When the last one was written."""
        return self._log.last_ns

    def _kept(self, number: int) -> list[Event]:
        if number not in self._made:
            self._made[number] = [self._event(record) for record in self._log.each(number)]
        return self._made[number]

    def _event(self, record: Record) -> Event:
        fields, places = record.fields, self._places
        return Event(
            f"{self._name}:{record.offset}",
            record.kind,
            record.at_ns,
            self.process,
            record.tid,
            fields,
            places.site(fields["site"]) if "site" in fields else None,
            places.stack(fields["stack"]) if "stack" in fields else (),
        )


def _offset(event: Event) -> int:
    return int(event.ref.rpartition(":")[2])
