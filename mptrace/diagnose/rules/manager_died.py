"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_step, raised_at
from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import how_it_ended, shortened, who
from mptrace.model.event import Event
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.wire.events import failures, tasks

ERRORS = ("FileNotFoundError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError", "EOFError")
"""What a call through a proxy raises when there is no server."""


@rule(needs=("managers", "process"), explains=("uncaught-exception", "stalled"))
def manager_died(run: Run) -> Iterator[Finding]:
    """A process used a manager's object after the manager's server had ended.

    Why it fails:
        What a Manager hands out are proxies: the objects live in its server process. When that ends (the `with` block is
        left, shutdown(), a kill, the end of the process that made it), every call through a proxy fails.

    How we know:
        The server's end was recorded, and the process failed in a call through a proxy afterwards.

    What to do:
        Keep the manager open until everybody who uses its objects has been joined.
    """
    servers = [process for process in run.processes if process.role is Role.MANAGER and process.ended_ns is not None]
    for event in run.of(failures.UNCAUGHT, tasks.FAILED):
        server = next((server for server in servers if (server.ended_ns or 0) <= event.at_ns and _is_by_proxy(event)), None)
        if server is not None and event.process is not None:
            yield _finding(run, event, server)


def _is_by_proxy(event: Event) -> bool:
    return event.text("error").rpartition(".")[2] in ERRORS and "multiprocessing/managers.py" in event.text("traceback")


def _finding(run: Run, event: Event, server: Process) -> Finding:
    error = shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "))
    return Finding(
        title=f"{who(event.process)} used an object of a manager whose server had ended: {error}",
        steps=(death_step(server), Step(f"raised {error}", event.process, event.at_ns, raised_at(event))),
        why=f"The objects of a manager live in its server, {who(server)}, which {how_it_ended(server.exit)} before.",
        fix="keep the manager open (its `with` block) until every process that uses its objects has been joined; it was used at",
        fix_at=raised_at(event),
        processes=tuple(process for process in (event.process, server) if process),
        places=tuple(Place("used", site, event.process) for site in [raised_at(event)] if site),
        evidence=(Evidence(event.ref, f"{who(event.process)} raised {error}"), *death_evidence(run, server)),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
    )
