"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import listed, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import shared


@rule(severity=Severity.WARNING, needs=("random_state",))
def same_random_stream(run: Run) -> Iterator[Finding]:
    """Forked children draw the same random numbers, since each inherited the same generator in the same state.

    Why it fails:
        A forked child has a copy of its parent's memory, generators included. The functions of the module `random` are seeded
        anew in it; a random.Random or a numpy generator of the program's own, and `numpy.random`, are not.

    How we know:
        The generator had the same state in both when they began, both drew from it (workers in their first tasks), and the code
        that draws does not seed it.

    What to do:
        Make a generator in each child, random.Random(seed), or numpy.random.default_rng(SeedSequence(...).spawn(...)), with a
        seed of its own.
    """
    streams: dict[tuple[object, ...], list[Event]] = {}
    for event in run.of(shared.RANDOM_USED):
        if event.process is None or event.process.start_method != "fork":
            continue
        parent = event.process.parent
        stream = (parent, event.text("name"), event.number("before"), event.number("keys"))
        streams.setdefault(stream, []).append(event)
    for events in streams.values():
        drawers = tuple(dict.fromkeys(event.process for event in events if event.process))
        if len(drawers) > 1:
            yield _finding(events, drawers)


def _finding(events: list[Event], drawers: tuple[Process, ...]) -> Finding:
    name = events[0].text("name")
    return Finding(
        title=f"{listed(who(process) for process in drawers)} drew the same numbers from {name}",
        verdict=Verdict.LIKELY,
        steps=tuple(
            Step(f"drew from {name}, as it was in its parent", event.process, event.at_ns, _at(event)) for event in events[:4]
        ),
        why=f"Each has a copy of {name} in the state that their parent left it in, and none seeded it anew.",
        fix=f"make a generator with a seed of its own in each child instead of using {name} at",
        fix_at=_at(events[0]),
        processes=drawers,
        places=tuple(Place("draw", _at(event), event.process) for event in events),
        evidence=tuple(Evidence(event.ref, f"{who(event.process)} used {name}") for event in events),
        at_ns=events[0].at_ns,
    )


def _at(event: Event) -> Site:
    return Site(event.text("file"), event.number("line"), event.text("function"))
