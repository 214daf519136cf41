"""How processes of a run ended, and whether that was meant: an end that the program ordered or looked at is nobody's fault."""

from __future__ import annotations

import re
import signal

from mptrace.collect.sources import is_program
from mptrace.diagnose.finding import Evidence, Place, Step
from mptrace.diagnose.wording import how_it_ended, shortened, who
from mptrace.model.event import Event
from mptrace.model.moment import Doing
from mptrace.model.process import Exit, Process, Role
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.event import Kind, unsigned
from mptrace.wire.events import failures, observations, processes, tasks

FATAL = frozenset(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGSYS", "SIGTRAP")
    if hasattr(signal, name)
)
"""Signals that a process brings upon itself."""

MISSED = (
    "queue-get-no-producer", "barrier-short", "event-never-set", "queue-join-unfinished", "semaphore-never-released",
    "queue-put-no-consumer", "condition-lost-notify", "manager-died", "stalled", "all-asleep", "unpickle-failed",
)  # fmt: skip
"""Rules that tell of those who wait for what a dead process was to do."""

GRACE_NS = 3_000_000_000
"""Ends within this time of an interruption of the job belong to it."""


TOGETHER_NS = 500_000_000
"""So much earlier than we note a signal that our whole group got, the others of the group may die of it."""


def events_of(run: Run, process: Process, *kinds: Kind) -> list[Event]:
    """Return what a process recorded of these kinds, by time."""
    return list(run.of(*kinds, by=process))


def told_of(run: Run, process: Process, *kinds: Kind) -> list[Event]:
    """Return what others recorded about a process (as ``child``), by time."""
    found = [event for event in run.about(process.pid, *kinds) if event.process is not process]
    return [event for event in found if event.at_ns >= process.started_ns and run.process(process.pid, event.at_ns) is process]


def is_expected(run: Run, process: Process) -> bool:
    """Was this end ordered by the program, looked at by it, or part of an interruption of the whole job?"""
    return (
        process.exit is None
        or process.exit.clean
        or was_ordered(run, process)
        or was_looked_at(run, process)
        or was_interrupted(run, process)
        or may_be_ordered_unseen(run, process)
    )


def was_looked_at(run: Run, process: Process) -> bool:
    """Did somebody read its exit code, and go on? A library that reads it to fail the program with it has not coped with it."""
    return any(
        not (_is_librarys(event) and _failed_after(run, event)) for event in told_of(run, process, processes.EXIT_CODE_READ)
    )


def _is_librarys(event: Event) -> bool:
    return event.site is not None and is_library(event.site.file)


def _failed_after(run: Run, event: Event) -> bool:
    reader = event.process
    return reader is not None and any(one.at_ns >= event.at_ns for one in events_of(run, reader, failures.UNCAUGHT))


def may_be_ordered_unseen(run: Run, process: Process) -> bool:
    """Was neither it nor its parent traced (``python -I``)? Then what the parent ordered, and what it looked at, nobody saw."""
    parent = process.parent
    return not (run.meta.attached or process.traced or parent is None or parent.traced)


def was_ordered(run: Run, process: Process) -> bool:
    """Did its parent, or the library on behalf of it, send it the signal it died of, or one that it left upon by itself?"""
    ended = process.exit
    if ended is None:
        return False
    if ended.signal is not None and ended.by in {ancestor.name for ancestor in ancestors(process)}:
        return True
    told = [event for event in told_of(run, process, processes.SIGNALLED) if event.at_ns <= (process.ended_ns or event.at_ns)]
    sent = [event for event in told if _ends_with(ended, event.number("signal"))]
    return any(event.process in ancestors(process) or not event.text("call").startswith("os.") for event in sent)


def _ends_with(ended: Exit, number: int) -> bool:
    """May this signal have led to this end? One with a status is that of a handler: of what asks a process to leave."""
    return ended.signal == number if ended.signal is not None else number in ASKING


ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def was_interrupted(run: Run, process: Process) -> bool:
    """Did it end because the whole job was interrupted: by Ctrl-C, SIGTERM, ``--on-hang kill``?"""
    if not run.meta.ended_by or process.ended_ns is None:
        return False
    begun = interrupted_at(run)
    if begun is None:
        return _looks_interrupted(run, process)
    return process.ended_ns >= begun or _died_of_it(run, process, begun)


def interrupted_at(run: Run) -> int | None:
    """Return when the job was interrupted: the signal that was passed on, or the first end that mptrace brought about."""
    told = [event.at_ns for event in run.of(observations.SIGNAL)]
    told += [p.ended_ns for p in run.processes if p.ended_ns is not None and p.exit and p.exit.by == run.meta.ended_by]
    return min(told, default=None)


def _died_of_it(run: Run, process: Process, begun: int) -> bool:
    """A signal that the whole group gets may end others before mptrace has noted that it got it, too."""
    numbers = {event.number("signal") for event in run.of(observations.SIGNAL)}
    ended = process.exit
    return (
        ended is not None and ended.signal in numbers and ended.by == "outside" and (process.ended_ns or 0) >= begun - TOGETHER_NS
    )


def _looks_interrupted(run: Run, process: Process) -> bool:
    """When that was is not known: did it end shortly before the job, of what an interruption ends processes with?"""
    number = process.exit.signal if process.exit else None
    sent = number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    raised = any("KeyboardInterrupt" in event.text("error") for event in events_of(run, process, failures.UNCAUGHT))
    return raised or (sent and (process.ended_ns or 0) >= (run.meta.end_ns or 0) - GRACE_NS)


def ancestors(process: Process) -> list[Process]:
    """Return its parent, the parent of that, and so on."""
    found: list[Process] = []
    parent = process.parent
    while parent is not None and parent not in found:
        found.append(parent)
        parent = parent.parent
    return found


def is_library_made(process: Process) -> bool:
    """Is it a child that the program started through multiprocessing, or its main process?"""
    return process.role in (Role.MAIN, Role.CHILD, Role.WORKER, Role.EXECUTOR_WORKER, Role.MANAGER)


def last_task(run: Run, process: Process) -> Doing | None:
    """Return the task of a pool or executor that a process was in the middle of when it ended.

    Only what its board said at its end counts: a task that was seen while it ran may have been finished since.
    """
    for moment in reversed(run.moments):
        if moment.final or process not in moment.processes:
            found = [doing for doing in moment.doings if doing.thread.process is process]
            if found:
                return found[-1]
    return _begun_task(process) if process.orderly else None


def _begun_task(process: Process) -> Doing | None:
    """Return the task that a process began and did not finish, by its last events (it left by an exception in order)."""
    begun = [past for past in process.past if past.kind == 0]
    if not begun or begun[-1].since_ns is not None or not process.threads:
        return None
    last = begun[-1]
    thread = process.main_thread or process.threads[0]
    return Doing(thread, last.resource or process.pool, last.number >> 32, last.number & 0xFFFFFFFF, last.text, last.at_ns)


def submitted(run: Run, pool: Resource | None, job: int | None) -> Event | None:
    """Return the call that handed a job to a pool or executor; if that is not known, the last call that handed it any."""
    if pool is None:
        return None
    asked = run.of(tasks.SUBMITTED, by=pool.made_by)
    events = [event for event in asked if unsigned(event.number("pool")) == pool.key]
    return next((event for event in events if event.number("job") == job), events[-1] if events else None)


def begun(run: Run, process: Process) -> tuple[Step, ...]:
    """Return the line of the picture in which a process began the task that it did not finish, if it worked on one."""
    task = last_task(run, process)
    return (Step(f"began {shortened(task.text)}", process, task.since_ns),) if task else ()


def pool_of(run: Run, process: Process) -> Resource | None:
    """Return the pool or executor that a process works for."""
    task = last_task(run, process)
    return process.pool or (task.pool if task else None)


def death_step(process: Process) -> Step:
    """Return the line of the picture in which a process ended."""
    site = process.exit.by_site if process.exit and process.exit.signal is None else None
    return Step(how_it_ended(process.exit), process, process.ended_ns, site)


def death_places(process: Process) -> list[Place]:
    """Return the line that ended a process, if one did: a kill, terminate, os._exit; or where it died of a fatal signal."""
    found = [Place("death", process.exit.by_site, process)] if process.exit and process.exit.by_site else []
    own = program_frame(process)
    return found + ([Place("death", own, process)] if own else [])


def program_frame(process: Process) -> Site | None:
    """Return the innermost line of the program in the stack of a fatal signal (the innermost one if all are a library's)."""
    own = [site for site in process.fatal_stack if not is_library(site.file)]
    return next(iter(own or process.fatal_stack), None)


_FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)


def raised_at(event: Event) -> Site | None:
    """Return the innermost line of the program in an event's traceback: generated code (``<string>``) is nobody's line."""
    if event.site is not None and not event.site.file.startswith("<"):
        return event.site
    return deepest_of(event.text("traceback")) or event.site


def deepest_of(traceback: str) -> Site | None:
    """Return the innermost line of the program in the text of a traceback; None if all are a library's."""
    frames = [Site(match["file"], int(match["line"]), match["function"]) for match in _FRAME.finditer(traceback)]
    return next((site for site in reversed(frames) if not is_library(site.file)), None)


def is_library(file: str) -> bool:
    """Is this no file of the program: of the standard library, of an installed package, or frozen into Python?"""
    return not is_program(file)


def death_evidence(run: Run, process: Process) -> list[Evidence]:
    """Return the events that tell how a process ended."""
    kinds = (processes.REAPED, processes.SIGNALLED)
    found = [
        *told_of(run, process, *kinds),
        *events_of(run, process, processes.HARD_EXIT, failures.UNCAUGHT, processes.SYSTEM_EXIT),
    ]
    found += [event for event in run.of(observations.EXITED) if event.number("pid") == process.pid]
    return [Evidence(event.ref, f"{who(process)}: {event.kind.summary}") for event in found]
