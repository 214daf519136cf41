"""Places, stacks and texts by the numbers that a process gave them; a forked child goes on with those of its parent."""

from __future__ import annotations

from mptrace.collect.records import Log
from mptrace.model.site import Site
from mptrace.wire.event import BODY, decode
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
        self._sites: dict[int, bytes] = {}
        self._stacks: dict[int, bytes] = {}
        self._texts: dict[int, bytes] = {}
        self._made: dict[int, Site] = {}
        self._found: dict[object, Site | None] = {}

    def _read(self) -> None:
        log, self._log = self._log, None
        tables = ((sites.SITE, self._sites), (sites.STACK, self._stacks), (sites.TEXT_SEEN, self._texts))
        for kind, table in tables:
            table.update((_number_in(body), body) for body in (log.bodies(kind) if log else ()))

    def site(self, number: object, before_ns: int | None = None) -> Site | None:
        """Return the place with this number, None if it is 0 or was lost."""
        if before_ns is not None:
            return self._find_site(number, before_ns)
        if number not in self._found:
            self._found[number] = self._find_site(number, None)
        return self._found[number]

    def _find_site(self, number: object, before_ns: int | None) -> Site | None:
        for table, until_ns in self._chain(before_ns) if number else ():
            found = table._sites.get(_number(number))
            if found and (until_ns is None or _at_ns(found) <= until_ns):
                return table._site(_number(number), found)
        return None

    def _site(self, number: int, body: bytes) -> Site:
        if number not in self._made:
            fields = decode(body)[3]
            self._made[number] = Site(str(fields["file"]), _number(fields["line"]), str(fields["function"]))
        return self._made[number]

    def stack(self, number: object) -> tuple[Site, ...]:
        """Return the stack with this number, innermost first; empty if it is 0 or was lost."""
        for table, until_ns in self._chain(None) if number else ():
            found = table._stacks.get(_number(number))
            if found and (until_ns is None or _at_ns(found) <= until_ns):
                parts = str(decode(found)[3]["sites"]).split()
                listed = (table.site(int(part)) for part in parts if part.isdecimal())
                return tuple(site for site in listed if site)
        return ()

    def text(self, number: object) -> str:
        """Return the text with this number."""
        for table, until_ns in self._chain(None) if number else ():
            found = table._texts.get(_number(number))
            if found and (until_ns is None or _at_ns(found) <= until_ns):
                return str(decode(found)[3]["value"])
        return ""

    def _chain(self, before_ns: int | None) -> list[tuple[Places, int | None]]:
        """Return this table and those it was forked with, each with the time until which its numbers are ours."""
        chain: list[tuple[Places, int | None]] = []
        table: Places | None = self
        while table is not None and len(chain) < 64:
            if table._log is not None:
                table._read()
            chain.append((table, before_ns))
            before_ns = table._forked_ns if before_ns is None else min(before_ns, table._forked_ns)
            table = table._parent
        return chain


def _number_in(body: bytes) -> int:
    """Return the first field of a record: the number that it gives a meaning."""
    return int.from_bytes(body[BODY.size : BODY.size + 8], "little", signed=True)


def _at_ns(body: bytes) -> int:
    at_ns: int = BODY.unpack_from(body)[3]
    return at_ns


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
