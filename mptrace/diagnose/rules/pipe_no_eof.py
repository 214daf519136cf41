"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deserted import Deserted, deserted
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import call_of, listed, verb, who
from mptrace.model.moment import Wait
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds


@rule(needs=("connection",), explains=("stalled", "all-asleep"))
def pipe_no_eof(run: Run) -> Iterator[Finding]:
    """A process reads from a pipe until its end, and a forgotten copy of the writing end keeps it open.

    Why it hangs:
        recv() raises EOFError when the last copy of the other end is closed. A fork copies both ends; a copy that nobody uses,
        in the reader itself or in a sibling, counts like any other.

    How we know:
        The processes that have the writing end open were looked at: all of them wait, and none can write.

    What to do:
        Close the end that a process does not use, in each process, right after the children are started.
    """
    for found in deserted(run, _read):
        keepers = _keepers(found)
        pipes = {wait.resource for wait in found.waits}
        if keepers and len(pipes) == 1 and not any(wait.resource and wait.resource.peer in pipes for wait in found.waits):
            yield _finding(found, keepers)


def _read(wait: Wait) -> Resource | None:
    pipe = wait.resource
    return (
        pipe
        if pipe and wait.kind in (kinds.RECV, kinds.READY) and pipe.owner is None and not wait.thread.role.is_service
        else None
    )


def _keepers(found: Deserted) -> list[Process]:
    """Return who has the other end open."""
    pipe, writers = found.resource, found.standstill.moment.writers
    return sorted(writers.get(pipe.peer or pipe, set()) or writers.get(pipe, set()), key=lambda process: process.started_ns)


def _finding(found: Deserted, keepers: list[Process]) -> Finding:
    reader = found.waits[0].thread.process
    names = listed("itself" if process is reader else who(process) for process in keepers)
    end = (found.resource.peer or found.resource).name or "the writing end"
    return found.finding(
        title=f"{found.waiting} for an end that cannot come: {names} still {verb(len(keepers), 'has', 'have')} the writing end open",
        who_else="will write or close",
        fix=f"close {end} in {listed(who(process) for process in keepers)} when it does not use it (after the children are started), "
        f"or {call_of(found.waits[0])} never raises EOFError, at",
    )
