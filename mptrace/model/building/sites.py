"""Places, stacks and texts by the numbers that a process gave them; a forked child goes on with those of its parent."""

from __future__ import annotations

from mptrace.collect.records import Log, Record
from mptrace.model.site import Site
from mptrace.wire.events import sites

KINDS = (sites.SITE, sites.STACK, sites.TEXT_SEEN)
"""Events that only name things: they are looked up, and not part of the story."""


class Places:
    """The numbers of one process; ``parent``: those it was forked with, as told before ``forked_ns``.

    They are learned from ``log`` at the first question: of most processes of a large job nobody asks one.
    """

    def __init__(self, parent: Places | None = None, forked_ns: int = 0, log: Log | None = None) -> None:
        self._parent, self._forked_ns = parent, forked_ns
        self._log = log
        self._sites: dict[int, tuple[int, Site]] = {}
        self._stacks: dict[int, tuple[int, str]] = {}
        self._texts: dict[int, tuple[int, str]] = {}

    def learn(self, record: Record) -> None:
        """Take in one record, if it names something."""
        fields = record.fields
        if record.kind is sites.SITE:
            site = Site(str(fields["file"]), _number(fields["line"]), str(fields["function"]))
            self._sites[_number(fields["site"])] = record.at_ns, site
        elif record.kind is sites.STACK:
            self._stacks[_number(fields["stack"])] = record.at_ns, str(fields["sites"])
        elif record.kind is sites.TEXT_SEEN:
            self._texts[_number(fields["text"])] = record.at_ns, str(fields["value"])

    def _read(self) -> None:
        log, self._log = self._log, None
        for record in log.of(*KINDS) if log else ():
            self.learn(record)

    def site(self, number: object, before_ns: int | None = None) -> Site | None:
        """Return the place with this number, None if it is 0 or was lost."""
        for table, until_ns in self._chain(before_ns) if number else ():
            found = table._sites.get(_number(number))
            if found and (until_ns is None or found[0] <= until_ns):
                return found[1]
        return None

    def stack(self, number: object) -> tuple[Site, ...]:
        """Return the stack with this number, innermost first; empty if it is 0 or was lost."""
        for table, until_ns in self._chain(None) if number else ():
            found = table._stacks.get(_number(number))
            if found and (until_ns is None or found[0] <= until_ns):
                listed = (table.site(int(part)) for part in found[1].split() if part.isdecimal())
                return tuple(site for site in listed if site)
        return ()

    def text(self, number: object) -> str:
        """Return the text with this number."""
        for table, until_ns in self._chain(None) if number else ():
            found = table._texts.get(_number(number))
            if found and (until_ns is None or found[0] <= until_ns):
                return found[1]
        return ""

    def _chain(self, before_ns: int | None) -> list[tuple[Places, int | None]]:
        """Return this table and those it was forked with, each with the time until which its numbers are ours."""
        chain: list[tuple[Places, int | None]] = []
        table: Places | None = self
        while table is not None and len(chain) < 64:
            table._read()
            chain.append((table, before_ns))
            before_ns = table._forked_ns if before_ns is None else min(before_ns, table._forked_ns)
            table = table._parent
        return chain


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
