"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, events_of, is_expected, is_library_made, told_of
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import listed, verb, who
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.wire.events import failures, processes


@rule(needs=("process",))
def exit_status_ignored(run: Run) -> Iterator[Finding]:
    """A child ended with a status that says failure, nobody looked at it, and the job ended with 0.

    Why it fails:
        join() returns whatever the status is, and the status of a child does not become that of the program.

    How we know:
        The child's status, and that neither its exitcode was read nor the program ended with a status of its own.

    What to do:
        After join(), look at `exitcode`, and end with a status that says what happened.
    """
    failed = [process for process in run.processes if _is_ignored(run, process)]
    if failed and run.meta.status == 0:
        yield _finding(run, failed)


def _is_ignored(run: Run, process: Process) -> bool:
    if process.role is not Role.CHILD or not is_library_made(process) or process.exit is None or not process.exit.code:
        return False
    other_rules = events_of(run, process, failures.UNCAUGHT, processes.HARD_EXIT)
    return not other_rules and not is_expected(run, process)


def _finding(run: Run, failed: list[Process]) -> Finding:
    joins = [event for process in failed for event in told_of(run, process, processes.JOINED) if event.number("done")]
    codes = listed(str(process.exit.code) for process in failed if process.exit)
    join = next((event for event in joins if event.site), None)
    return Finding(
        title=f"{listed(who(process) for process in failed)} ended with status {codes}, nobody looked, and the job ended with 0",
        steps=tuple(Step(f"ended with status {p.exit.code}", p, p.ended_ns, p.exit.by_site) for p in failed[:5] if p.exit),
        why=f"join() does not raise, and {verb(len(failed), 'its exitcode was', 'their exitcodes were')} never read.",
        fix="check exitcode after join(), at",
        fix_at=join.site if join else failed[0].start_site,
        processes=tuple(failed),
        places=(
            *dict.fromkeys(Place("join", event.site, event.process) for event in joins if event.site),
            *(Place("exit", p.exit.by_site, p) for p in failed if p.exit and p.exit.by_site),
        ),
        evidence=tuple(one for process in failed for one in death_evidence(run, process)),
        at_ns=failed[0].ended_ns,
    )
