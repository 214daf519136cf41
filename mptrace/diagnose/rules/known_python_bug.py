"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.hang import place_of, wants
from mptrace.diagnose.known_bugs import KNOWN_BUGS, KnownBug, Version
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import listed, who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import resource as family_of
from mptrace.wire.event import unsigned

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@rule(needs=("executor",), explains=("stalled",))
def known_python_bug(run: Run) -> Iterator[Finding]:
    """The program uses the library in a way that meets a known bug of the Python that runs it.

    Why it is dangerous:
        The program is right and Python is not: it may hang or fail on a day when the timing is another.

    How we know:
        The version of the interpreter is in the range that the bug's issue names, and the run shows the use that brings it
        about. It struck if somebody waits in the way that the bug makes wait: likely, since a thread of the library may have
        another reason. The table of bugs has a date (mptrace/diagnose/known_bugs.py): a later release may have been repaired.

    What to do:
        Use a Python that has the repair, or avoid what meets the bug.
    """
    for bug in KNOWN_BUGS:
        for event in bug.met(run):
            version = _version(event)
            if version is not None and bug.is_in(version):
                yield _finding(run, bug, event, version)


def _version(event: Event) -> Version | None:
    found = _VERSION.match(event.process.python) if event.process else None
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _finding(run: Run, bug: KnownBug, event: Event, version: Version) -> Finding:
    made = _made(run, event)
    python = ".".join(map(str, version))
    waiting, moment = bug.struck(run, event)
    label = made.label if made else "this program"
    return Finding(
        title=f"{listed(who(wait.thread) for wait in waiting)} will not be answered: {bug.says}: Python {python}, {bug.issue}"
        if waiting
        else f"Python {python} has a bug that {label} meets: {bug.says} ({bug.issue})",
        verdict=Verdict.LIKELY if waiting else Verdict.POSSIBLE,
        steps=(
            *((Step(f"makes {made.label if made else 'it'}", event.process, event.at_ns, event.site),) if event.site else ()),
            *(wants(wait) for wait in waiting),
        ),
        why=bug.because.format(label) if waiting else "It did not strike this time, as far as mptrace can tell.",
        fix=bug.fix,
        fix_at=event.site,
        processes=tuple(dict.fromkeys(p for p in (event.process, *(wait.thread.process for wait in waiting)) if p)),
        resources=(made,) if made else (),
        places=tuple(_places(event, waiting)),
        evidence=(Evidence(event.ref, f"{bug.issue} is in Python {_ranges(bug)}"),),
        at_ns=event.at_ns,
        moment=moment,
        waits=waiting,
        lowered=None if waiting else Severity.WARNING,
    )


def _places(event: Event, waiting: tuple[Wait, ...]) -> Iterator[Place]:
    if event.site is not None:
        yield Place("creation", event.site, event.process)
    yield from (Place("waiter", site, wait.thread.process) for wait in waiting if (site := place_of(wait)))


def _made(run: Run, event: Event) -> Resource | None:
    return run.resource(family_of.OBJECT, unsigned(event.number("pool")))


def _ranges(bug: KnownBug) -> str:
    """Return ``3.11.0 up to, not including, 3.13.13``."""
    return ", ".join(
        f"{'.'.join(map(str, first))} up to, not including, {'.'.join(map(str, last))}" for first, last in bug.affected
    )
