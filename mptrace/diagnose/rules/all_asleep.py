"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deserted import dead_knowers
from mptrace.diagnose.finding import Finding, Verdict
from mptrace.diagnose.hang import hang
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import call_of, listed, who
from mptrace.model.run import Run


@rule(explains=("stalled",), last_resort=True)
def all_asleep(run: Run) -> Iterator[Finding]:
    """Every thread of a group waits, without a timeout, for another one of the group.

    Why it hangs:
        Whoever could wake one of them is one of them.

    How we know:
        For each wait, everybody who could end it was found, and all of them wait in the group; none ran between two looks, and
        nothing outside of the job can wake them.

    What to do:
        Follow the list from wait to wait: one of them should have spoken first, or should not have waited without a timeout.
    """
    for standstill in standstills(run):
        for group in standstill.groups:
            if any(not wait.thread.role.is_service for wait in group.waits):
                yield _finding(standstill, group)


def _finding(standstill: Standstill, group: Group) -> Finding:
    told = [wait for wait in group.waits if not wait.thread.role.is_service]
    resources = list(dict.fromkeys(wait.resource.outermost for wait in told if wait.resource))
    names = listed(who(wait.thread) for wait in told)
    finding = hang(
        standstill,
        told,
        title=f"{names} wait for each other: {listed(call_of(wait) for wait in told)}"
        if len(told) > 1
        else f"{names} waits in {call_of(told[0])}, which nobody is left to end",
        why="None of the waits has a timeout, and everybody who could end one of them waits as well, or has ended.",
        fix="give one of them the first word, or a timeout; the longest wait is at",
        fix_at=told[0].call.site or told[0].site,
        resources=resources,
        processes=dead_knowers(standstill, resources),
    )
    if len(told) < len(group.waits) and finding.verdict is Verdict.PROVEN:
        finding.verdict, finding.details = Verdict.LIKELY, ("threads of the library take part",)
    return finding
