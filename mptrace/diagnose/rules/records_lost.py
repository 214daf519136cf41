"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Severity, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import losses
from mptrace.model.run import Run


@rule(severity=Severity.HINT)
def records_lost(run: Run) -> Iterator[Finding]:
    """Something could not be recorded, so that what is reported may be incomplete.

    Why it fails:
        A recorder file has a fixed size, a disk can be full, and a probe that fails is switched off: the program goes on
        untouched, and the recording has a gap.

    How we know:
        Losses are counted where they happen, and damage when the recording is read.

    What to do:
        Read the other findings as what they say they are: what depends on a loss is only *likely*. Free disk space, or point
        MPTRACE_DIR at another disk.
    """
    told = losses(run)
    if run.completeness.lost.anything and told:
        yield Finding(
            title=f"the recording has gaps: {told[0]}" + (f", and {len(told) - 1} more" if len(told) > 1 else ""),
            verdict=Verdict.PROVEN,
            why="What depends on what was lost is called likely at most.",
            fix="free disk space for the run directory, or point MPTRACE_DIR at another disk",
            details=tuple(told),
        )
