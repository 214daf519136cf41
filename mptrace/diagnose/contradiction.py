"""A hang that resolved by itself was none: finds what contradicts a finding after the moment it was seen at."""

from __future__ import annotations

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.wording import who
from mptrace.model.moment import Moment, Wait
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import failures, observations, processes


def contradiction(finding: Finding, run: Run) -> str:
    """Return which of its waits ended later although nobody interfered ("" if none did)."""
    moment = next((m for m in run.moments if m.number == finding.moment and not m.final), None)
    if moment is None or not finding.waits or _interfered(finding, moment, run):
        return ""
    ended = next((wait for wait in finding.waits if _ended_by_itself(wait, moment, run)), None)
    return f"{who(ended.thread)} went on later, and nobody had interfered" if ended else ""


def _ended_by_itself(wait: Wait, moment: Moment, run: Run) -> bool:
    process = wait.thread.process
    if process.orderly or wait.thread.ended:
        return True
    later = (other for other in run.moments if other.at_ns > moment.at_ns and process in other.processes)
    return any(not _same(wait, other.wait_of(wait.thread)) for other in later)


def _same(wait: Wait, later: Wait | None) -> bool:
    return later is not None and (later.call.kind, later.call.since_ns) == (wait.call.kind, wait.call.since_ns)


def _interfered(finding: Finding, moment: Moment, run: Run) -> bool:
    """Was the job, or a member of the hang, interrupted, killed or signalled after the moment?"""
    members = set(finding.processes) | {wait.thread.process for wait in finding.waits}
    return bool(run.meta.ended_by) or _signalled(members, moment, run) or any(_cut(process, moment) for process in members)


def _cut(process: Process, moment: Moment) -> bool:
    died_later = process.ended_ns is not None and process.ended_ns >= moment.at_ns
    return died_later and (not process.orderly or (process.exit is not None and process.exit.signal is not None))


def _signalled(members: set[Process], moment: Moment, run: Run) -> bool:
    later = [
        event for event in run.of(observations.SIGNAL, processes.SIGNALLED, failures.UNCAUGHT) if event.at_ns >= moment.at_ns
    ]
    pids = {process.pid for process in members}
    return any(
        event.kind is observations.SIGNAL
        or (event.kind is processes.SIGNALLED and event.number("child") in pids)
        or (event.kind is failures.UNCAUGHT and "KeyboardInterrupt" in event.text("error"))
        for event in later
    )
