"""A finding: one instance of what a rule looks for in one run, told in the user's own names, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mptrace.model.moment import Wait
from mptrace.model.process import Process, Thread
from mptrace.model.resource import Resource
from mptrace.model.site import Site


class Verdict(str, Enum):
    """How sure a finding is (CATALOGUE: a wrong *proven* is the worst bug this project can have)."""

    PROVEN = "proven"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Severity(str, Enum):
    """error: the job hangs, lost a process or data, or failed because of it; warning: it will; hint: it costs."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Evidence:
    """An event or a board's slot, cited by its reference, and what it shows."""

    ref: str
    says: str


@dataclass(frozen=True, slots=True)
class Place:
    """A line to blame or to look at; ``role`` says what it is in the finding (waiter, holder, creation, death, fix, ...)."""

    role: str
    site: Site
    process: Process | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the picture: at that time (CLOCK_MONOTONIC ns, None: not known) ``who`` did or wants ``says``."""

    says: str
    who: Process | Thread | None = None
    at_ns: int | None = None
    site: Site | None = None


@dataclass(slots=True, eq=False)
class Finding:
    """What a rule yields. ``rule`` and ``severity`` are filled in by the engine from the rule's declaration.

    ``title``: one sentence with the culprit in it. ``steps``: who waits for whom, or who died of what, in order of time.
    ``why``: why it cannot go on by itself. ``also``: consequences, a line each. ``fix``: the line to change and what to write.
    ``explains``: refs or (rule, process id) of consequences are folded by the engine; ``explained_by``: the cause's rule.
    """

    title: str
    verdict: Verdict = Verdict.PROVEN
    steps: tuple[Step, ...] = ()
    why: str = ""
    also: tuple[Step, ...] = ()
    fix: str = ""
    fix_at: Site | None = None
    processes: tuple[Process, ...] = ()
    resources: tuple[Resource, ...] = ()
    places: tuple[Place, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    details: tuple[str, ...] = ()
    """Lines for ``-v``: a traceback, a memory curve."""
    moment: int | None = None
    """Number of the moment a hang was seen at; None for what is no hang."""
    waits: tuple[Wait, ...] = ()
    """Of a hang: the waits it rests on; if one of them ended later by itself, the engine withdraws the finding."""
    at_ns: int | None = None
    """When the state came about (CLOCK_MONOTONIC): of two causes the earlier one comes first."""
    rule: str = ""
    severity: Severity = Severity.ERROR
    lowered: Severity | None = None
    """Set by a rule for an instance that is less than the rule's own severity."""
    explained_by: str | None = None
    children: list[Finding] = field(default_factory=list)
    """Findings that this one explains; the engine folds them here."""

    @property
    def is_hint(self) -> bool:
        """Is it about a cost or a habit only? What tells of a hang is none, however quiet."""
        return self.severity is Severity.HINT and self.moment is None
