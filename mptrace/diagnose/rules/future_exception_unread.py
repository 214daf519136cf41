"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import raised_at
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.raised import error_text
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, verb, who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.events import tasks

ITERATED = ("Executor.map", "Pool.map_async", "Pool.starmap_async")
"""Calls whose one result stands for all of their tasks."""


@rule(severity=Severity.HINT, needs=("unread",))
def future_exception_unread(run: Run) -> Iterator[Finding]:
    """Tasks failed, and nobody asked for their results: the exceptions were never seen.

    Why it fails:
        A pool or executor hands a task's exception to whoever asks for the result. A result that is dropped takes its exception
        with it: nothing is printed, and the program goes on as if the work had been done.

    How we know:
        The exception reached the process that handed the task in. Until that came to its end nobody called get(), wait() or
        successful() of the result, or result(), exception() or add_done_callback() of the future, and no error_callback was given.

    What to do:
        Keep what apply_async() or submit() returns and ask each for its result, at the latest before the pool is closed; or
        give apply_async() an error_callback.
    """
    told: dict[tuple[object, ...], list[Event]] = {}
    for event in run.of(tasks.RESULT_FAILED):
        told.setdefault((event.process, event.site or event.text("function")), []).append(event)
    for events in told.values():
        process = events[0].process
        ended_well = process is not None and process.orderly and process.exit is not None and process.exit.clean
        if ended_well and not run.meta.ended_by and not any(event.number("asked") for event in events):
            yield _finding(run, events)


def _finding(run: Run, events: list[Event]) -> Finding:
    first, function, call = events[0], events[0].text("function") or "a task", events[0].text("call")
    raised = [event for event in run.of(tasks.FAILED) if _is_of(event, events)]
    places = [Place("handed in", event.site, event.process) for event in events if event.site]
    places += [Place("raised", site, event.process) for event in raised[:10] if (site := raised_at(event))]
    return Finding(
        title=f"{_what(events, function)} failed with {first.text('error')}, and nobody asked for {verb(len(events), 'its', 'their')} {verb(len(events), 'result', 'results')}",
        steps=(
            *(
                Step(f"{function} raised {error_text(event)}", event.process, event.at_ns, raised_at(event))
                for event in raised[:4]
            ),
            Step(f"came to its end without asking what became of {call}()", first.process, first.at_ns, first.site),
        ),
        why="The exception of a task is handed to whoever asks for its result; a result that is dropped takes it along.",
        fix=f"keep what {call.partition('.')[2] or 'the call'}() returns and {_ask(call)}, handed in at",
        fix_at=first.site,
        processes=(first.process,) if first.process else (),
        places=tuple(dict.fromkeys(places)),
        evidence=tuple(
            Evidence(e.ref, f"{e.text('function')} failed with {error_text(e)}; {who(e.process)} never asked")
            for e in events[:10]
        ),
        details=tuple(raised[0].text("traceback").splitlines()) if raised else (),
        at_ns=raised[0].at_ns if raised else first.at_ns,
    )


def _is_of(event: Event, events: list[Event]) -> bool:
    return any((event.number("pool"), event.number("job")) == (one.number("pool"), one.number("job")) for one in events)


def _what(events: list[Event], function: str) -> str:
    if events[0].text("call") in ITERATED:
        return f"{events[0].text('call').partition('.')[2]}() of {function}"
    return f"{function}()" if len(events) == 1 else f"{counted(len(events), 'call')} of {function}()"


def _ask(call: str) -> str:
    if call == "Executor.map":
        return "iterate over it"
    return "call result() of each" if call.startswith("Executor") else "call get() of each, or give it an error_callback"
