"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import MISSED, begun, death_evidence, events_of, is_expected, is_library, is_library_made, last_task
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import standstills
from mptrace.diagnose.wording import who
from mptrace.model.event import Event
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.wire.events import processes


@rule(
    needs=("exits", "process"),
    explains=MISSED,
)
def hard_exit(run: Run) -> Iterator[Finding]:
    """A child left with os._exit, or with sys.exit and a status, and nobody looked at the status.

    Why it fails:
        os._exit ends a process at once: no `finally`, no exit handlers, and what its queues have not sent yet is lost. After
        sys.exit with a status the parent that only joins goes on as if the work had been done.

    How we know:
        The call was recorded with its line, the process ended with that status, and its exit code was never read.

    What to do:
        Raise an exception or send a result instead, and look at `exitcode` after `join()`.
    """
    for process in run.processes:
        if process.role is Role.MAIN or not is_library_made(process) or process.exit is None or process.exit.signal is not None:
            continue
        call = next(iter(reversed(events_of(run, process, processes.HARD_EXIT, processes.SYSTEM_EXIT))), None)
        if call is not None and _matters(run, process, call):
            yield _finding(run, process, call)


def _matters(run: Run, process: Process, call: Event) -> bool:
    """A failing status of the program's own that was not read; or 0 from os._exit in the middle of a task or with somebody waiting."""
    if is_expected(run, process):
        return call.kind is processes.HARD_EXIT and (last_task(run, process) is not None or _is_missed(run, process))
    if call.site is not None and is_library(call.site.file):
        return False  # an installed package that ends workers of its own so (Pebble) looks after them itself
    taken_by_another_rule = call.kind is processes.SYSTEM_EXIT and process.role is Role.CHILD and run.meta.status == 0
    return call.number("code") != 0 and not taken_by_another_rule


def _is_missed(run: Run, process: Process) -> bool:
    waits = [wait for standstill in standstills(run) for group in standstill.groups for wait in group.waits]
    return any(wait.resource and process in wait.resource.outermost.knowers for wait in waits)


def _finding(run: Run, process: Process, call: Event) -> Finding:
    name, code = ("os._exit" if call.kind is processes.HARD_EXIT else "sys.exit"), call.number("code")
    return Finding(
        title=f"{who(process)} left with {name}({code}), and nobody noticed",
        steps=(*begun(run, process), Step(f"called {name}({code})", process, call.at_ns, call.site)),
        why=_why(call),
        fix=f"raise an exception or send a result instead of {name}({code}), and check exitcode after join():",
        fix_at=call.site,
        processes=(process,),
        places=tuple(Place(role, site, process) for role, site in (("death", call.site), ("start", process.start_site)) if site),
        evidence=tuple(death_evidence(run, process)),
        at_ns=call.at_ns,
    )


def _why(call: Event) -> str:
    if call.kind is processes.SYSTEM_EXIT:
        return "Its exit code was never read, so the program does not know that it failed."
    return "os._exit runs no finally blocks and no exit handlers, and drops what its queues have not sent; its exit code was not read."
