"""What the launcher asks of whoever can judge a run: launch knows no rules, so the command line hands it a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

PROVEN = "proven"
HINT = "hint"


@dataclass(frozen=True, slots=True)
class Told:
    """A finding about one moment of a running job, ready to be printed; ``key`` is the same whenever it is found again."""

    rule: str
    verdict: str
    severity: str
    title: str
    text: str
    key: object


Judge = Callable[[str, int], list[Told]]
"""Takes the run directory and the number of a moment that was just looked at; may raise anything."""
