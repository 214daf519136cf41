"""The part that findings about endless waits have in common: verdict, members, evidence, and who waits behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.standstill import Standstill
from mptrace.diagnose.wording import doing, who
from mptrace.model.moment import Hold, Wait
from mptrace.model.process import Process, Thread
from mptrace.model.resource import Resource
from mptrace.model.site import Site


def hang(
    standstill: Standstill,
    waits: Sequence[Wait],
    *,
    title: str,
    why: str,
    fix: str,
    fix_at: Site | None = None,
    holds: Iterable[Hold] = (),
    steps: Iterable[Step] = (),
    resources: Iterable[Resource] = (),
    processes: Iterable[Process] = (),
    places: Iterable[Place] = (),
    doubts: Iterable[str] = (),
    behind: bool = True,
) -> Finding:
    """Return the finding that these waits never end; ``doubts``: the rule's own reasons against *proven*."""
    holds = list(holds)
    verdict, reasons = standstill.verdict(waits, tuple(doubts))
    told = [*steps, *(took(hold) for hold in holds), *(wants(wait) for wait in waits)]
    return Finding(
        title=title,
        verdict=verdict,
        steps=tuple(sorted(told, key=lambda step: step.at_ns or 0)),
        why=why,
        also=tuple(wants(wait) for wait in standstill.behind(waits)) if behind else (),
        fix=fix,
        fix_at=fix_at,
        processes=tuple(dict.fromkeys([*(wait.thread.process for wait in waits), *processes])),
        resources=tuple(dict.fromkeys(resources)),
        places=tuple(_places(waits, holds, resources, places)),
        evidence=tuple(_evidence(waits, holds)),
        details=reasons,
        moment=standstill.moment.number,
        waits=tuple(waits),
        at_ns=max((wait.since_ns for wait in waits), default=None),
    )


def took(hold: Hold) -> Step:
    """Return the line of the picture in which a thread took a lock."""
    return Step(f"took {hold.resource.label}", _actor(hold), hold.since_ns, hold.site)


def wants(wait: Wait) -> Step:
    """Return the line of the picture in which a thread began to wait."""
    return Step(doing(wait), _actor(wait), wait.call.since_ns or wait.since_ns, place_of(wait))


def place_of(wait: Wait) -> Site | None:
    """Return the line of the program at which a thread waits."""
    return wait.call.site or wait.site


def _actor(of: Hold | Wait) -> Process | Thread:
    main = of.thread.process.main_thread
    return of.thread.process if main is of.thread or main is None else of.thread


def _places(waits: Sequence[Wait], holds: Sequence[Hold], resources: Iterable[Resource], places: Iterable[Place]) -> list[Place]:
    told = [Place("waiter", site, wait.thread.process) for wait in waits if (site := place_of(wait))]
    told += [Place("holder", hold.site, hold.thread.process) for hold in holds if hold.site]
    told += [Place("creation", resource.created_at, resource.made_by) for resource in resources if resource.created_at]
    return list(dict.fromkeys([*places, *told]))


def _evidence(waits: Sequence[Wait], holds: Sequence[Hold]) -> list[Evidence]:
    told = [Evidence(hold.ref, f"{who(hold.thread)} holds {hold.resource.label}") for hold in holds]
    return told + [Evidence(wait.ref, f"{who(wait.thread)} {doing(wait)}") for wait in waits]
