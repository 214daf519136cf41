"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import is_library
from mptrace.diagnose.finding import Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.hang import place_of, wants
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import who
from mptrace.model.moment import Look
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site


@rule(severity=Severity.HINT, last_resort=True)
def stalled(run: Run) -> Iterator[Finding]:
    """Nothing has moved for a while, but something outside of the job could still wake it.

    Why it hangs:
        Perhaps it does not: a server waits for visitors, a prompt for its reader. Every process waits; at least one of them for
        something that mptrace cannot see the other end of: a socket, a terminal, another program, a timeout.

    How we know:
        No thread ran between two looks, and no rule found a closed circle. That is no proof of anything.

    What to do:
        Look at what each process waits for, in the list; if one of them should not wait, that is where to begin.
    """
    latest = next((standstill for standstill in standstills(run) if not standstill.moment.final), None)
    if latest is not None and not latest.groups and _lasts(latest):
        yield _finding(latest)


def _lasts(standstill: Standstill) -> bool:
    """Did nothing run, and was the job still there, or ended from outside, when it was last looked at?"""
    looks = standstill.moment.looks.values()
    over = standstill.run.meta.end_ns is not None and not standstill.run.meta.ended_by
    return bool(looks) and all(look.still is not False for look in looks) and not over


def _finding(standstill: Standstill) -> Finding:
    steps = [step for process in standstill.moment.processes if (step := _step(standstill, process))]
    first = steps[0] if steps else None
    return Finding(
        title=f"nothing moves: {_title(first)}" if first else "nothing moves, and no process says what it waits for",
        verdict=Verdict.POSSIBLE,
        steps=tuple(steps),
        why="Something outside of the job may still wake it.",
        processes=tuple(process for process in standstill.moment.processes if not process.role.is_service),
        places=tuple(
            Place("waiter", step.site, step.who if isinstance(step.who, Process) else None) for step in steps if step.site
        ),
        moment=standstill.moment.number,
        waits=tuple(standstill.moment.waits),
        at_ns=max((wait.since_ns for wait in standstill.moment.waits), default=None),
    )


def _title(step: Step) -> str:
    return f"{who(step.who)} {step.says}"


def _step(standstill: Standstill, process: Process) -> Step | None:
    main = process.main_thread
    if process.role.is_service or main is None:
        return None
    wait = standstill.moment.wait_of(main)
    if wait is not None and place_of(wait) is not None:
        return wants(wait)
    look = standstill.moment.looks.get(main)
    site = _innermost(look) if look else None
    return (
        Step(f"waits in {site.function}()" if site and site.function != "<module>" else "waits", process, None, site)
        if site
        else None
    )


def _innermost(look: Look) -> Site | None:
    return next((site for site in look.stack if not is_library(site.file)), None)
