"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import events_of, raised_at
from mptrace.diagnose.finding import Evidence, Finding, Place, Step, Verdict
from mptrace.diagnose.raised import error_text, loudness
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.wire.events import failures, processes

OTHERS = (
    "daemonic processes are not allowed to have children", "context is being shared with a process in a",
    "before the current process has finished its bootstrapping phase", "Too many open files", "received 0 items of ancdata",
    "[Errno 28]",
)  # fmt: skip
"""Messages of failed starts that rules of their own tell of."""

EXEC_FAILED = 255
"""The status of a child whose exec failed."""

PICKLING_NS = 1_000_000_000
"""A start fails so soon after what it was to send could not be pickled."""


@rule(
    needs=("process",),
    explains=(
        "uncaught-exception",
        "exit-status-ignored",
        "executor-broken",
        "worker-respawn-loop",
        "helper-thread-died",
        "manager-died",
    ),
)
def start_failed(run: Run) -> Iterator[Finding]:
    """A child never reached its target: no fork or exec, a limit was met, its main script or its server's socket failed.

    Why it fails:
        start() needs a new process, pipes and, under spawn and forkserver, a new interpreter that imports the main script. Each
        of that can fail: a limit on processes or memory, a module that is missing in the child, a line of the script that
        raises when it is imported.

    How we know:
        start() raised in the parent; or the child was seen to import the main script, or to begin to serve as a manager, and the
        exception that ended it there; or it ended with 255 before any Python ran in it, as after a failed exec (likely then). A
        connection with a wrong authkey is told where it was refused.

    What to do:
        Raise the limit that the error names (ulimit -u, the container's limit on pids); put lines that only the first process
        may run below `if __name__ == "__main__":`.
    """
    for event in run.of(processes.START_FAILED):
        if event.process is not None and not _is_of_another_rule(run, event):
            yield _refused(run, event)
    for event in run.of(failures.UNCAUGHT):
        if event.text("where") == "spawn" and _in_import(run, event) and not _says(event, OTHERS):
            yield _not_imported(event)
        elif (
            event.process is not None and event.process.role is Role.MANAGER and "AF_UNIX path too long" in event.text("message")
        ):
            yield _not_serving(event)
        elif event.text("error").endswith("AuthenticationError"):
            yield _wrong_key(event)
    for process in run.processes:
        if _is_not_executed(process):
            yield _not_executed(process)


def _says(event: Event, texts: tuple[str, ...]) -> bool:
    message = " ".join(event.text("message").split())
    return any(text in message for text in texts)


def _is_of_another_rule(run: Run, event: Event) -> bool:
    """Is it told elsewhere: what cannot be pickled, a missing main guard, a daemon's child, a full table of files?"""
    refused = events_of(run, event.process, failures.PICKLE_FAILED) if event.process else []
    pickled = any(0 <= event.at_ns - other.at_ns < PICKLING_NS for other in refused)
    return pickled or _says(event, OTHERS) or "pickle" in event.text("message").lower()


def _in_import(run: Run, event: Event) -> bool:
    """Did the child fail while it imported the main script?"""
    return event.process is not None and any(
        other.text("phase") == "main" for other in events_of(run, event.process, processes.BOOTSTRAP_PHASE)
    )


def _refused(run: Run, event: Event) -> Finding:
    child = event.text("name") or "a child"
    return Finding(
        title=f"{who(event.process)} could not start {child}: {error_text(event)}",
        steps=(Step(f"start() of {child} raised {error_text(event)}", event.process, event.at_ns, event.site),),
        why="No process was made, or it did not come as far as its target.",
        fix=_fix(event),
        fix_at=event.site,
        processes=(event.process,) if event.process else (),
        places=(Place("start", event.site, event.process),) if event.site else (),
        evidence=(Evidence(event.ref, f"{who(event.process)}: {error_text(event)}"),),
        at_ns=event.at_ns,
        lowered=loudness(run, event),
    )


def _not_serving(event: Event) -> Finding:
    child, started = event.process, event.process.start_site if event.process else None
    return Finding(
        title=f"{who(child)} could not begin to serve: {error_text(event)}",
        steps=(Step(f"raised {error_text(event)}", child, event.at_ns, event.site),),
        why="A manager's server makes its socket below the folder for temporary files, and the path of a socket may have 107 bytes.",
        fix=_fix(event),
        fix_at=started,
        processes=(child,) if child else (),
        places=(Place("start", started, child.parent),) if child and started else (),
        evidence=(Evidence(event.ref, f"{who(child)}: {error_text(event)}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
    )


def _wrong_key(event: Event) -> Finding:
    site = raised_at(event)
    return Finding(
        title=f"{who(event.process)} was refused by the server it connected to: {error_text(event)}",
        steps=(Step(f"raised {error_text(event)}", event.process, event.at_ns, site),),
        why="Both ends of a connection prove that they know the same authkey; a process that was not started by multiprocessing has another one unless it is given.",
        fix="give both sides the same authkey (of the Listener or manager, and of the Client or connect()) at",
        fix_at=site,
        processes=(event.process,) if event.process else (),
        places=(Place("raised", site, event.process),) if site else (),
        evidence=(Evidence(event.ref, f"{who(event.process)}: {error_text(event)}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
    )


def _is_not_executed(process: Process) -> bool:
    """Did it end as a child does whose exec failed, and did no Python ever run in it?"""
    ended = process.exit is not None and process.exit.code == EXEC_FAILED
    return ended and process.start_method == "spawn" and not process.traced and process.start_site is not None


def _not_executed(process: Process) -> Finding:
    return Finding(
        title=f"{who(process)} never ran: its interpreter could not be executed",
        verdict=Verdict.LIKELY,
        steps=(Step(f"ended with status {EXEC_FAILED} before any Python ran in it", process, process.ended_ns),),
        why="Under spawn start() does not learn that the exec of the interpreter failed; the child ends with status 255.",
        fix="see what multiprocessing.set_executable() names, and that it may be executed; started at",
        fix_at=process.start_site,
        processes=(process,),
        places=(Place("start", process.start_site, process.parent),) if process.start_site else (),
        at_ns=process.ended_ns,
    )


def _fix(event: Event) -> str:
    message = event.text("message")
    if "[Errno 11]" in message:
        return "start fewer processes at a time, or raise the limit on them (ulimit -u, the container's pids limit), at"
    if "[Errno 12]" in message:
        return "start the children before the parent needs much memory, or use forkserver, at"
    if "AF_UNIX path too long" in message:
        return "set TMPDIR to a shorter path: the socket of a manager or forkserver lies below it; started at"
    return "see what the error says of the call at"


def _not_imported(event: Event) -> Finding:
    site, child = raised_at(event), event.process
    started = child.start_site if child else None
    return Finding(
        title=f"{who(child)} did not start: importing the main script raised {shortened(error_text(event), 70)}",
        steps=(Step(f"raised {error_text(event)}", child, event.at_ns, site),),
        why="A child under spawn or forkserver imports the main script first; it never came to its target.",
        fix='put what only the first process may run below `if __name__ == "__main__":`, or make this line work in a child too:',
        fix_at=site,
        processes=(child,) if child else (),
        places=tuple(Place(role, at, child) for role, at in (("raised", site), ("start", started)) if at),
        evidence=(Evidence(event.ref, f"{who(child)}: {error_text(event)}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
    )
