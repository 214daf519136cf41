"""One thing that happened, in one thread, at one time; written once, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mptrace.collect.sources import is_program
from mptrace.wire.event import Kind

if TYPE_CHECKING:
    from mptrace.model.process import Process
    from mptrace.model.site import Site


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """A record of the log of a process, or of the observer (``process`` is then None).

    ``ref`` is how findings cite it: ``p3:1042`` (process p3, byte 1042 of its log) or ``o:17``. ``at_ns``: CLOCK_MONOTONIC.
    ``site`` and ``stack`` are the event's fields of that name, looked up.
    """

    ref: str
    kind: Kind
    at_ns: int
    process: Process | None
    tid: int
    fields: Mapping[str, int | str] = field(default_factory=dict)
    site: Site | None = None
    stack: tuple[Site, ...] = ()

    def number(self, name: str) -> int:
        """Return an INT field (0 if it is absent)."""
        value = self.fields.get(name, 0)
        return value if isinstance(value, int) else 0

    def text(self, name: str) -> str:
        """Return a TEXT field ("" if it is absent)."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""

    @property
    def program_site(self) -> Site | None:
        """The innermost line of the program in its stack: where an installed package was called; its ``site`` if there is none."""
        return next((site for site in self.stack if is_program(site.file)), self.site)
