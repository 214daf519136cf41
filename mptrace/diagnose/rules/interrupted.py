"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import interrupted_at
from mptrace.diagnose.finding import Finding, Severity, Step
from mptrace.diagnose.hang import wants
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import standstills
from mptrace.model.run import Run


@rule(severity=Severity.HINT)
def interrupted(run: Run) -> Iterator[Finding]:
    """The job was ended from outside, by Ctrl-C or a signal, while it was busy or hung.

    Why it fails:
        Nothing need be wrong with the program: somebody, or a supervisor, ended it.

    How we know:
        The signal reached mptrace, which passed it on.

    What to do:
        See what every process was doing then; if the job was ended because it hung, the other findings say why.
    """
    if run.meta.ended_by and not run.meta.ended_by.startswith("--on-hang"):
        at_ns = interrupted_at(run)
        main = run.main
        yield Finding(
            title=f"the job was ended by {run.meta.ended_by}",
            steps=tuple(_doing(run, at_ns)),
            processes=(main,) if main else (),
            at_ns=at_ns,
        )


def _doing(run: Run, at_ns: int | None) -> Iterator[Step]:
    """Yield what the processes waited for when they were last looked at."""
    for standstill in standstills(run):
        if at_ns is None or standstill.moment.at_ns <= at_ns:
            yield from (wants(wait) for wait in standstill.moment.waits[:12] if not wait.thread.role.is_service)
            return
