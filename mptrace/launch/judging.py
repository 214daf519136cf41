"""What the launcher asks of whoever can judge a run: launch knows no rules, so the command line hands it a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mptrace.observe.moment import Inside

PROVEN = "proven"
HINT = "hint"


@dataclass(frozen=True, slots=True)
class Told:
    """A finding about one moment of a running job, ready to be printed; ``key`` is the same whenever it is found again.

    ``sure``: it is proven, and so is that somebody waits for ever because of it.
    """

    rule: str
    verdict: str
    severity: str
    title: str
    text: str
    key: object
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """``moment`` takes the run directory and the number of a moment that was just looked at; it may raise anything.

    ``prepare`` makes its first use quick; it is called when a first moment is being taken. ``inside`` looks into the processes
    of a moment for what no board tells.
    """

    moment: Callable[[str, int], list[Told]]
    prepare: Callable[[], object] = lambda: None
    inside: Inside | None = None
