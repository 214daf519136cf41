"""Like ones told once, with their number, so that the odd one stands out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mptrace.report import times
from mptrace.report.names import actor_name, process_of, stem

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Step
    from mptrace.model.site import Site
    from mptrace.report.clock import Clock


CROWD = 3
"""So many alike are counted instead of named."""


@dataclass(slots=True)
class Like:
    """Steps that differ only in who (one of several alike) and since when."""

    steps: list[Step] = field(default_factory=list)

    @property
    def site(self) -> Site | None:
        """Where all of them are."""
        return self.steps[0].site

    def says(self, clock: Clock) -> str:
        """Return ``MainProcess, in join() of loader-1, for 9.5 s``, or the same of ``4 × SpawnPoolWorker``."""
        step = self.steps[0]
        if step.who is None:
            return step.says
        joint = ", " if step.says.startswith("in ") else " "
        since = [clock.lasted_ns(each.at_ns) for each in self.steps if each.at_ns is not None]
        lasted = f", for {times.durations(since)}" if since and _tells_no_time(step.says) else ""
        names = [actor_name(who) for who in dict.fromkeys(each.who for each in self.steps if each.who)]
        return f"{subject(names)}{joint}{predicate(step.says, len(names))}{lasted}"


def subject(names: Sequence[str]) -> str:
    """Return ``loader-1``, ``loader-1 and loader-2``, or ``4 × SpawnPoolWorker``."""
    return f"{len(names)} × {stem(names[0])}" if len(names) >= CROWD else " and ".join(names)


_PLURAL = {"waits": "wait", "wants": "want", "joins": "join", "is": "are", "was": "were", "has": "have", "holds": "hold"}


def predicate(says: str, count: int) -> str:
    """Return what ``count`` actors do: ``waits in q.get()``, of several ``wait in q.get()``."""
    verb, blank, rest = says.partition(" ")
    return says if count == 1 else f"{_PLURAL.get(verb, verb)}{blank}{rest}"


def like_steps(steps: Iterable[Step]) -> list[Like]:
    """Return the steps in groups of like ones, in order of their first."""
    groups: dict[object, Like] = {}
    for step in steps:
        name = stem(actor_name(step.who)) if step.who else ""
        key = (name, step.who and process_of(step.who).parent, step.says, step.site)
        groups.setdefault(key, Like()).steps.append(step)
    return list(groups.values())


def _tells_no_time(says: str) -> bool:
    return " since " not in says and " for " not in says
