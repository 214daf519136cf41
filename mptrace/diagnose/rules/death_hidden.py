"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_places, death_step, told_of
from mptrace.diagnose.finding import Evidence, Finding, Place, Verdict
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import wants
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import how_it_ended, who
from mptrace.model.event import Event
from mptrace.model.moment import Moment, Wait
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import observations, processes, tasks

NOTICED_NS = 500_000_000
"""A pool looks at its workers ten times a second, an executor and join() are woken at once."""


@rule(explains=(ANY_WAIT, "pool-worker-died", "executor-broken", "stalled", "all-asleep"))
def death_hidden(run: Run) -> Iterator[Finding]:
    """A process is dead, and the parent that waits for it, or for its work, does not know.

    Why it hangs:
        A parent learns of the end of a child by a pipe that closes, and asks the kernel how it ended. The pipe stays open while
        a child of the child has a copy of it; the kernel does not answer when SIGCHLD is ignored, or when somebody else has
        asked before (os.wait(), os.waitpid(-1)).

    How we know:
        The process was seen to end from outside; half a second later its parent still waited and had not noticed.

    What to do:
        End the child's own children before it ends, or start them with subprocess, which hands no pipes on. Do not ignore
        SIGCHLD, and wait for pids of your own only.
    """
    told: set[Process] = set()
    for moment in run.moments:
        for process in run.processes if not moment.final else ():
            waits = _waits_for(moment, process)
            if waits and process not in told and _is_hidden(run, moment, process):
                told.add(process)
                yield _finding(run, moment, process, waits)


def _waits_for(moment: Moment, process: Process) -> list[Wait]:
    """Return the waits of its parent for it, or for a result of the pool that it worked for."""
    awaited: set[Process | Resource | None] = {process, process.pool} - {None}
    mine = [wait for wait in moment.waits if wait.thread.process is process.parent]
    wanted = [wait for wait in mine if wait.target in awaited or wait.call.target in awaited]
    return [wait for wait in wanted if moment.still(wait.thread) is not False]


def _is_hidden(run: Run, moment: Moment, process: Process) -> bool:
    """Was it dead for a while by then, and had its parent not noticed?"""
    end = process.exit  # one that attach only infers, since a lock or a task is missing, has no status: its parent has that
    seen = end is not None and end.known and end.seen_by == "observer" and process.ended_ns is not None
    if not seen or (process.ended_ns or 0) > moment.at_ns - NOTICED_NS or process.parent not in moment.processes:
        return False
    if run.meta.attached and not (_keeper(moment, process) or _ignores_sigchld(run, moment, process.parent)):
        return False  # a zombie: whoever joins others before it has not come to it yet
    noticed = [*told_of(run, process, processes.REAPED), *_news_of(run, process)]
    return all(event.at_ns > moment.at_ns for event in noticed)


def _news_of(run: Run, process: Process) -> list[Event]:
    """Return what its pool or executor said of it."""
    events = [*run.of(tasks.BROKEN), *told_of(run, process, tasks.WORKER_JOINED)]
    key = process.pool.key if process.pool else 0
    return [event for event in events if unsigned(event.number("pool")) == key]


def _finding(run: Run, moment: Moment, process: Process, waits: list[Wait]) -> Finding:
    parent, keeper = process.parent, _keeper(moment, process)
    ignores = _ignores_sigchld(run, moment, parent)
    why, fix = _reason(process, keeper, ignores)
    return Finding(
        title=f"{who(process)} {how_it_ended(process.exit)}, and {who(parent)} does not know: {why}",
        verdict=Verdict.PROVEN if keeper or ignores else Verdict.LIKELY,
        steps=(death_step(process), *(wants(wait) for wait in waits if not wait.thread.role.is_service)),
        why="Nothing tells a parent of a child's end but the pipe that closes and the kernel's answer to its question.",
        fix=fix,
        fix_at=keeper.start_site if keeper else process.start_site,
        processes=tuple(one for one in (process, parent, keeper) if one),
        resources=tuple(one for one in (process.pool,) if one),
        places=tuple(death_places(process)) + tuple(_started(keeper)),
        evidence=(*death_evidence(run, process), *(Evidence(wait.ref, "still waits") for wait in waits)),
        moment=moment.number,
        waits=tuple(waits),
        at_ns=process.ended_ns,
    )


def _keeper(moment: Moment, process: Process) -> Process | None:
    """Return a living child of the dead, which was forked from it and has its pipe open."""
    return next((child for child in process.children if child in moment.processes), None)


def _ignores_sigchld(run: Run, moment: Moment, parent: Process | None) -> bool:
    looks = [event for event in run.of(observations.NATIVE) if event.number("moment") == moment.number]
    masks = [event.number("ignored") for event in looks if parent is not None and event.number("pid") == parent.pid]
    return any(mask >> (signal.SIGCHLD - 1) & 1 for mask in masks)


def _reason(process: Process, keeper: Process | None, ignores: bool) -> tuple[str, str]:
    """Return (why the death is hidden, what to do)."""
    if ignores:
        return "it ignores SIGCHLD", f"leave SIGCHLD as it is in {who(process.parent)}: signal.signal(SIGCHLD, SIG_DFL)"
    if keeper is not None:
        return (
            f"{who(keeper)}, a child of the dead, keeps its pipe open",
            f"end {who(keeper)} before {who(process)} ends, or start it with subprocess, instead of at",
        )
    return "somebody else has asked for its end", "wait for pids of your own only, not os.wait() or os.waitpid(-1); started at"


def _started(keeper: Process | None) -> Iterator[Place]:
    if keeper is not None and keeper.start_site is not None:
        yield Place("start", keeper.start_site, keeper.parent)
