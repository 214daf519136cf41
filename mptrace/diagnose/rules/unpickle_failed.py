"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_step, is_expected, is_library_made, submitted
from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.pickling import error_of, is_for, loudness, resource_of
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.unpickling import HANDED_OVER, INTERRUPTED, Cause, cause_of, line_of
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import failures

NEAR_NS = 1_000_000_000
"""The death of a sender is noticed so long after what it was to hand over was not got, at most."""


@rule(
    needs=("reduction", "process"),
    explains=(ANY_WAIT, "uncaught-exception", "helper-thread-died", "executor-broken"),
)
def unpickle_failed(run: Run) -> Iterator[Finding]:
    """What was sent to a process cannot be rebuilt there.

    Why it fails:
        Functions and classes travel as the name of their module and their own name. The receiver imports the module and looks
        the name up; if it was made under `if __name__ == "__main__":`, in an interactive session, or in another version of
        the module, it is not there. Connections, sockets and tensors travel as the address of their sender, who must still be
        there when they are read. Other objects run code of their class, which may raise.

    How we know:
        The receiver's exception was recorded, with what it was looking for.

    What to do:
        Define what is sent at the top level of a module that both sides can import. Keep a sender of connections or tensors
        running until they have been read.
    """
    told: set[tuple[str, str]] = set()
    for event in run.of(failures.UNPICKLE_FAILED):
        same = (event.text("error"), event.text("message"))
        if event.process is not None and same not in told:
            told.add(same)
            yield _finding(run, event)


def _finding(run: Run, event: Event) -> Finding:
    resource, sent = resource_of(run, event), _sent_at(run, event)
    waiting, moment = last_waits(run, is_for(resource))
    cause = cause_of(event)
    return Finding(
        title=f"{who(event.process)} cannot rebuild what it was sent: {shortened(error_of(event), 70)}",
        steps=(
            *(_gone(run, event) if cause is HANDED_OVER else ()),
            *((Step("sent it", event.process.parent if event.process else None, None, sent),) if sent else ()),
            Step(
                f"failed to rebuild it: {error_of(event)}", event.process, event.at_ns, event.site if event.site != sent else None
            ),
        ),
        why=cause.why,
        fix=cause.fix,
        fix_at=line_of(cause, event, sent),
        processes=tuple(one for one in dict.fromkeys(_concerned(run, event, cause, waiting)) if one),
        resources=(resource,) if resource else (),
        places=tuple(Place(role, site, event.process) for role, site in (("sent", sent), ("received", event.site)) if site),
        evidence=(Evidence(event.ref, f"{who(event.process)}: {error_of(event)}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
        moment=moment,
        lowered=loudness(run, event),
    )


def _gone(run: Run, event: Event) -> list[Step]:
    """Return the last ends of processes before it was read: its sender is among them."""
    ended = [one for one in run.processes if is_library_made(one) and (one.ended_ns or event.at_ns) < event.at_ns]
    return [death_step(one) for one in sorted(ended, key=lambda one: one.ended_ns or 0)[-3:]]


def _concerned(run: Run, event: Event, cause: Cause, waiting: tuple[Wait, ...]) -> list[Process | None]:
    dead = _died_then(run, event) if cause in (HANDED_OVER, INTERRUPTED) else []
    return [event.process, *(wait.thread.process for wait in waiting), *dead]


def _died_then(run: Run, event: Event) -> list[Process]:
    """Return the processes that died about when it was to be handed over: one of them was to do that."""
    dead = [one for one in run.processes if one.exit is not None and one.exit.known and not one.exit.clean]
    near = [one for one in dead if one is not event.process and abs((one.ended_ns or 0) - event.at_ns) < NEAR_NS]
    return [one for one in near if not is_expected(run, one)]


def _sent_at(run: Run, event: Event) -> Site | None:
    """Return the line that sent it: the start of the process, or the call that handed in the task."""
    if event.text("call") == "Process.start" and event.process is not None:
        return event.process.start_site
    call = submitted(run, resource_of(run, event), None)
    return call.site if call else None
