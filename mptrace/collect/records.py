"""The records of one log: where each lies is known by kind, and it is decoded only when somebody asks for its kind.

A log may hold millions of records, of which the rules ask for a few kinds. So reading notes kind and offset alone (8 bytes a
record); of a long log even the bytes are read again from its files when they are needed, which never change where they were written.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from mptrace.collect.regular import open_regular
from mptrace.wire.event import BODY, KINDS, PREFIX, BadRecord, Kind, decode

KEPT = 96 * 1024
"""Bytes of each log that stay in memory: most logs are shorter."""

WARM = 100
"""So many pages of one log are kept after they were read again: a process has at most 65, of 64 KiB."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a log; ``offset``: its byte in the log, the segments counted as one."""

    offset: int
    kind: Kind
    tid: int
    at_ns: int
    fields: dict[str, int | str]


@dataclass(slots=True)
class Page:
    """A stretch of a log that begins and ends with whole records; ``data`` is None if it is to be read again from the file."""

    base: int
    size: int
    data: bytes | None
    path: str
    at: int
    """Where it begins in the file."""

    def read(self) -> bytes:
        """Return its bytes; zeros where the file has lost them since."""
        if self.data is not None:
            return self.data
        try:
            with open_regular(self.path) as file:
                found = os.pread(file.fileno(), self.size, self.at)
        except OSError:
            found = b""
        return found.ljust(self.size, b"\0")


class Log:
    """The whole records of one log, and what could not be read."""

    def __init__(self) -> None:
        self.torn = 0
        """Records that were being written when the writer was killed, or when the file was read."""
        self.damaged = 0
        """Records that are whole by their length but not by their checksum."""
        self.unknown = 0
        """Whole records of a kind that this version does not know."""
        self.offsets: defaultdict[int, array[int]] = defaultdict(lambda: array("Q"))
        """Number of a kind -> where its records lie."""
        self._pages: list[Page] = []
        self._bases: list[int] = []
        self._kept = 0
        self._warm: dict[int, bytes] | None = None

    def add_page(self, base: int, data: bytes, size: int, path: str = "", at: int = 0) -> None:
        """Note where the first ``size`` bytes of ``data`` are: here, or, once enough is kept here, in a file."""
        keep = not path or self._kept + size <= KEPT
        self._kept += size if keep else 0
        self._pages.append(Page(base, size, data[:size] if keep else None, path, at))
        self._bases.append(base)

    def settle(self) -> None:
        """Count the records that this version cannot read, once all pages are there."""
        for number in list(self.offsets):
            if number not in KINDS:
                self.unknown += len(self.offsets.pop(number))
            elif self._one(self.offsets[number][0]) is None:  # declared otherwise by its writer: look at each
                readable = array("Q", (at for at in self.offsets[number] if self._one(at) is not None))
                self.damaged += len(self.offsets[number]) - len(readable)
                self.offsets[number] = readable

    def count(self, *numbers: int) -> int:
        """Return how many records there are of the kinds with these numbers; of all without."""
        found = self.offsets.values() if not numbers else (self.offsets[n] for n in numbers if n in self.offsets)
        return sum(map(len, found))

    def of(self, *kinds: Kind) -> list[Record]:
        """Return the records of these kinds, as they were written."""
        return list(self.each(*(kind.number for kind in kinds)))

    def each(self, *numbers: int) -> Iterator[Record]:
        """Yield the records of the kinds with these numbers, as they were written."""
        found = [self.offsets[number] for number in numbers if number in self.offsets]
        offsets = found[0] if len(found) == 1 else sorted(at for some in found for at in some)
        for at, body in self._bodies(offsets):
            try:
                yield Record(at, *decode(body))
            except BadRecord:  # its file was damaged after it was read
                continue

    def bodies(self, kind: Kind) -> Iterator[bytes]:
        """Yield the bytes of each record of a kind, for whoever needs only a few of them."""
        return (body for _, body in self._bodies(self.offsets.get(kind.number, ())))

    @property
    def records(self) -> list[Record]:
        """All records, as they were written."""
        return list(self.each(*self.offsets))

    @property
    def last_ns(self) -> int | None:
        """When the last record was written; None if there is none."""
        ends = [some[-1] for some in self.offsets.values() if some]
        return next((BODY.unpack_from(body)[3] for _, body in self._bodies([max(ends)])), None) if ends else None

    def _page(self, page: Page) -> bytes:
        """Return the bytes of a page; those of the log that was asked last are kept, since it is asked for another kind next."""
        if page.data is not None:
            return page.data
        warm = self._warm
        if warm is None or len(warm) >= WARM:
            global _warmest
            if _warmest is not None:
                _warmest._warm = None
            _warmest, self._warm = self, (warm := {})
        if page.base not in warm:
            warm[page.base] = page.read()
        return warm[page.base]

    def _one(self, at: int) -> Record | None:
        for _, body in self._bodies([at]):
            try:
                return Record(at, *decode(body))
            except BadRecord:
                return None
        return None

    def _bodies(self, offsets: array[int] | list[int] | tuple[int, ...]) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, body) of the records at these offsets, which ascend."""
        base, until, data = 0, -1, b""
        length_at = PREFIX.unpack_from
        for at in offsets:
            if at >= until:
                page = self._pages[bisect_right(self._bases, at) - 1]
                base, until, data = page.base, page.base + page.size, self._page(page)
            begin = at - base + PREFIX.size
            yield at, data[begin : begin + length_at(data, at - base)[0]]


_warmest: Log | None = None
